"""The settings of each module in each server, and every revision they had."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, Text

from astero_shared.db.columns import Table, created_now, json_column, snowflake


class ModuleConfig(Table, table=True):
    """The settings in force. No row: the module's defaults, revision 0."""

    installation_id: UUID = Field(primary_key=True, foreign_key="installations.id", ondelete="CASCADE")
    module: str = Field(primary_key=True, sa_type=Text)
    bot_id: UUID
    guild_id: int = snowflake()
    revision: int
    config: dict[str, Any] = json_column()
    updated_at: datetime = created_now()


class ModuleRevision(Table, table=True):
    """One row for each change ever made, never altered."""

    installation_id: UUID = Field(primary_key=True, foreign_key="installations.id", ondelete="CASCADE")
    module: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(primary_key=True)
    bot_id: UUID
    guild_id: int = snowflake()
    config: dict[str, Any] = json_column()
    actor_kind: str = Field(sa_type=Text)
    actor_id: str = Field(sa_type=Text)
    actor_name: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = created_now()
