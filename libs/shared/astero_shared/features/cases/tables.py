"""Numbered moderation cases. A case in state `pending` is the intent, written before Discord is asked."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, Text

from astero_shared.db.columns import (
    Table,
    created_now,
    integer_list,
    optional_snowflake,
    primary_key,
    snowflake,
)


class Case(Table, table=True):
    """`source_key` makes a cause open one case at most (`automod:<message id>:<edit>`), also on replay."""

    id: UUID = primary_key()
    installation_id: UUID = Field(foreign_key="installations.id", ondelete="CASCADE")
    bot_id: UUID
    guild_id: int = snowflake()
    number: int
    action: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    source_key: str | None = Field(default=None, sa_type=Text)
    rule: str | None = Field(default=None, sa_type=Text)
    moderator_id: str = Field(sa_type=Text)
    moderator_name: str | None = Field(default=None, sa_type=Text)
    target_id: int = snowflake()
    target_name: str | None = Field(default=None, sa_type=Text)
    channel_id: int | None = optional_snowflake()
    message_id: int | None = optional_snowflake()
    reason: str | None = Field(default=None, sa_type=Text)
    internal_note: str | None = Field(default=None, sa_type=Text)
    duration_seconds: int | None = None
    expires_at: datetime | None = None
    lifted_at: datetime | None = None
    related: list[int] = integer_list()
    state: str = Field(default="pending", sa_type=Text)
    failure: str | None = Field(default=None, sa_type=Text)
    log_message_id: int | None = optional_snowflake()
    created_at: datetime = created_now()
    updated_at: datetime = created_now()


class CaseCounter(Table, table=True):
    """The last number given per bot and guild: a row, not a sequence, so that a rollback leaves no gap."""

    bot_id: UUID = Field(primary_key=True)
    guild_id: int = snowflake(primary_key=True)
    last_number: int
