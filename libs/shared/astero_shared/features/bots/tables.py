"""Hosted bots, their tokens and the state the engine reports."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, Text

from astero_shared.db.columns import Table, blob_column, created_now, json_column, primary_key

SHARED_BOT_ID = UUID("00000000-0000-7000-8000-000000000001")
"""The shared Astero bot; its row is made by the first migration, its token comes from the environment."""


class Bot(Table, table=True):
    """`kind` is `shared` (no owner) or `branded`; `desired_state` is what the owner wants.

    While the owner is suspended, `suspended_at` keeps the bot from running, whatever is wanted.
    """

    id: UUID = primary_key()
    owner_user_id: UUID | None = Field(default=None, foreign_key="users.id")
    kind: str = Field(default="branded", sa_type=Text)
    name: str = Field(sa_type=Text)
    application_id: int | None = Field(default=None, sa_type=BigInteger)
    discord_user_id: int | None = Field(default=None, sa_type=BigInteger)
    avatar_hash: str | None = Field(default=None, sa_type=Text)
    desired_state: str = Field(default="running", sa_type=Text)
    created_at: datetime = created_now()
    updated_at: datetime = created_now()
    removed_at: datetime | None = None
    suspended_at: datetime | None = None


class BotToken(Table, table=True):
    """Apart from `bots` so that the api can hold a right to write it and none to read it."""

    bot_id: UUID = Field(primary_key=True, foreign_key="bots.id", ondelete="CASCADE")
    ciphertext: bytes = blob_column()
    last4: str = Field(sa_type=Text)
    updated_at: datetime = created_now()


class BotStatus(Table, table=True):
    """What the engine that runs a bot says about it; `reason` is a stable code, `detail` its facts."""

    bot_id: UUID = Field(primary_key=True, foreign_key="bots.id", ondelete="CASCADE")
    state: str = Field(sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    detail: dict[str, Any] = json_column()
    engine_id: UUID | None = None
    commands_hash: str | None = Field(default=None, sa_type=Text)
    since_at: datetime = created_now()
    reported_at: datetime = created_now()
