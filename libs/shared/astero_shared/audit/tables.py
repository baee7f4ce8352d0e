"""The audit log: rows are added in the transaction of the change and never altered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, Text

from astero_shared.db.columns import Table, created_now, json_column, optional_snowflake, primary_key


class AuditEntry(Table, table=True):
    """`action` is `source:subject:verb`; `target` names what was acted on; `details` is redacted."""

    id: UUID = primary_key()
    at: datetime = created_now()
    actor_kind: str = Field(sa_type=Text)
    actor_id: str = Field(sa_type=Text)
    actor_name: str | None = Field(default=None, sa_type=Text)
    bot_id: UUID | None = None
    guild_id: int | None = optional_snowflake()
    action: str = Field(sa_type=Text)
    target: str | None = Field(default=None, sa_type=Text)
    details: dict[str, Any] = json_column()
