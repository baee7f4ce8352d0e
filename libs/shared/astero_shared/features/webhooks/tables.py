"""Endpoints a server's admins set, their secrets, and one row for each event each of them is told.

A row is the message and its log: waiting, under way, delivered or given up.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, Text

from astero_shared.db.columns import (
    Table,
    blob_column,
    created_now,
    json_column,
    primary_key,
    snowflake,
    text_list,
)


class Webhook(Table, table=True):
    """`state` is enabled or disabled; `disabled_reason` is by_hand, gone, failing or blocked.

    `troubled_since` is when its calls began to fail or to be slow: it then shares the lanes of its like.
    """

    id: UUID = primary_key()
    installation_id: UUID = Field(foreign_key="installations.id", ondelete="CASCADE")
    bot_id: UUID
    guild_id: int = snowflake()
    url: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    events: list[str] = text_list()
    state: str = Field(default="enabled", sa_type=Text)
    disabled_reason: str | None = Field(default=None, sa_type=Text)
    disabled_at: datetime | None = None
    blocked_attempts: int = 0
    troubled_since: datetime | None = None
    created_by: UUID
    created_at: datetime = created_now()
    updated_at: datetime = created_now()


class WebhookSecret(Table, table=True):
    """What signs an endpoint's messages; one that was replaced signs too, until `expires_at`."""

    id: UUID = primary_key()
    webhook_id: UUID = Field(foreign_key="webhooks.id", ondelete="CASCADE")
    ciphertext: bytes = blob_column()
    created_at: datetime = created_now()
    expires_at: datetime | None = None


class WebhookDelivery(Table, table=True):
    """`event_id` is the message's id, the same for every endpoint and in every attempt.

    Waiting rows are due at `next_attempt_at`; a row with a `claim` is under way until then, and afterwards
    whoever had it is taken for dead. `outcome` and what follows tell of the last attempt.
    """

    webhook_id: UUID = Field(primary_key=True, foreign_key="webhooks.id", ondelete="CASCADE")
    event_id: UUID = Field(primary_key=True)
    installation_id: UUID
    bot_id: UUID
    guild_id: int = snowflake()
    kind: str = Field(sa_type=Text)
    actor: dict[str, Any] = json_column()
    data: dict[str, Any] = json_column()
    state: str = Field(default="waiting", sa_type=Text)
    attempts: int = 0
    next_attempt_at: datetime = created_now()
    claim: UUID | None = None
    outcome: str | None = Field(default=None, sa_type=Text)
    status: int | None = None
    latency_ms: int | None = None
    answer: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = created_now()
    attempted_at: datetime | None = None
