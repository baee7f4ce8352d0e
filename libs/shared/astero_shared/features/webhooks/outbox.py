"""Telling a server's endpoints what happened: rows, in the transaction of what happened."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import and_, any_, literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.clock import utc_now
from astero_shared.features.installations.tables import Installation
from astero_shared.features.webhooks.events import EventData
from astero_shared.features.webhooks.tables import Webhook, WebhookDelivery
from astero_shared.ids import new_id
from astero_shared.scope import Actor, BotScope, GuildScope

# The specification asks for less than 20 kB of body; around the data there is little.
MAX_DATA_BYTES: Final = 16_000
# What the engine's role may write, and all of a row that has no default.
COLUMNS: Final = (
    "webhook_id", "event_id", "installation_id", "bot_id", "guild_id", "kind", "actor", "data",
    "state", "attempts", "next_attempt_at", "created_at",
)  # fmt: skip


async def emit_event(
    session: AsyncSession,
    scope: BotScope | GuildScope,
    data: EventData,
    *,
    installation_id: UUID | None = None,
) -> UUID:
    """One row for each enabled endpoint of the server that asked for this kind; answers the event's id.

    A BotScope tells every server the bot is in. `installation_id` names one that was removed just now, whose
    endpoints are otherwise hidden. The worker finds the rows after the commit.
    """
    now, event_id = utc_now(), new_id()
    where = and_(
        col(Webhook.bot_id) == scope.bot_id,
        col(Webhook.state) == "enabled",
        literal(data.kind.value) == any_(col(Webhook.events)),
    )
    if isinstance(scope, GuildScope):
        where = and_(where, col(Webhook.guild_id) == scope.guild_id)
    if installation_id is None:
        where = and_(where, col(Installation.removed_at).is_(None))
    else:
        where = and_(where, col(Webhook.installation_id) == installation_id)
    endpoints = (
        select(
            col(Webhook.id),
            literal(event_id),
            col(Webhook.installation_id),
            col(Webhook.bot_id),
            col(Webhook.guild_id),
            *_event(data.kind.value, scope.actor, as_json(data), now),
        )
        .join(Installation, col(Installation.id) == col(Webhook.installation_id))
        .where(where)
    )
    await session.exec(insert(WebhookDelivery).from_select(COLUMNS, endpoints, include_defaults=False))
    return event_id


def as_json(data: EventData) -> dict[str, Any]:
    """Raises ValueError for more than a message may hold, which no struct of ours can reach."""
    if len(msgspec.json.encode(data)) > MAX_DATA_BYTES:
        raise ValueError(f"an event of kind {data.kind} is too large")
    return msgspec.to_builtins(data)


def shown_actor(actor: Actor) -> dict[str, str]:
    return {"kind": actor.kind, "id": actor.id}


def _event(kind: str, actor: Actor, data: dict[str, Any], now: datetime) -> tuple[Any, ...]:
    return (
        literal(kind),
        literal(shown_actor(actor), JSONB),
        literal(data, JSONB),
        literal("waiting"),
        literal(0),
        literal(now),
        literal(now),
    )
