"""Which engine runs which bot, and what it needs to go on where another left off."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, Text

from astero_shared.db.columns import Table, created_now, json_column, snowflake


class Engine(Table, table=True):
    """One bot engine process; `url` is its private listener."""

    id: UUID = Field(primary_key=True)
    url: str = Field(sa_type=Text)
    started_at: datetime = created_now()
    heartbeat_at: datetime = created_now()
    draining: bool = False


class BotLease(Table, table=True):
    """A bot runs on the engine that holds its unexpired lease; `fence` grows with every change of holder."""

    bot_id: UUID = Field(primary_key=True, foreign_key="bots.id", ondelete="CASCADE")
    engine_id: UUID | None = Field(default=None)
    fence: int = Field(sa_type=BigInteger)
    expires_at: datetime


class IdentifyBudget(Table, table=True):
    """Discord resets the token of an application that identifies 1000 times a day: it is counted here."""

    application_id: int = snowflake(primary_key=True)
    total: int
    remaining: int
    max_concurrency: int
    resets_at: datetime


class GatewaySession(Table, table=True):
    """What another process needs to RESUME: the session, and the guilds as Discord sent them."""

    bot_id: UUID = Field(primary_key=True, foreign_key="bots.id", ondelete="CASCADE")
    fence: int = Field(sa_type=BigInteger)
    session_id: str = Field(sa_type=Text, repr=False)
    resume_url: str = Field(sa_type=Text)
    sequence: int = Field(sa_type=BigInteger)
    intents: int = Field(sa_type=BigInteger)
    guilds: dict[str, Any] = json_column()
    saved_at: datetime = created_now()
