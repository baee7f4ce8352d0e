"""The worker's side of the outbox: taking what is due, fairly, and writing down how it went.

Whoever takes a row has it for LEASE; a worker that dies with it loses it to the next. So a message goes out
at least once, and twice only where a worker died in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, or_, text, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.features.accounts.tables import User
from astero_shared.features.bots.tables import Bot
from astero_shared.features.installations.tables import Installation
from astero_shared.features.webhooks.rules import (
    KEPT,
    Attempt,
    DisabledReason,
    Outcome,
    next_attempt_at,
    reason_to_disable,
)
from astero_shared.features.webhooks.tables import Webhook, WebhookDelivery, WebhookSecret
from astero_shared.ids import new_id

LEASE: Final = timedelta(seconds=30)
"""An attempt takes ten seconds at most."""
PER_ENDPOINT: Final = 4
PER_TENANT: Final = 8
_LATER: Final = timedelta(seconds=1)
_TURNSTILE: Final = 0x7EB40015
"""The advisory lock of those who take: they count what is under way before they take more."""

# An endpoint is found by stepping from one to the next in the index of waiting rows: a backlog of one costs
# the others nothing. `turn` counts a tenant's calls, those under way included: everybody's first goes before
# anybody's second. A tenant is a branded bot, or a server of the shared one. Those of a suspended owner wait.
# `late` is what reached an endpoint while it was being disabled, or what a worker died with after that.
_TAKE: Final = text("""
WITH RECURSIVE busy AS (
    SELECT webhook_id, count(*) AS calls FROM webhook_deliveries
    WHERE claim IS NOT NULL AND state = 'waiting' AND next_attempt_at > :now
    GROUP BY webhook_id
), waiting AS (
    (SELECT webhook_id FROM webhook_deliveries WHERE state = 'waiting' ORDER BY webhook_id LIMIT 1)
    UNION ALL
    SELECT (SELECT further.webhook_id FROM webhook_deliveries further
            WHERE further.state = 'waiting' AND further.webhook_id > waiting.webhook_id
            ORDER BY further.webhook_id LIMIT 1)
    FROM waiting WHERE waiting.webhook_id IS NOT NULL
), late AS (
    UPDATE webhook_deliveries message SET state = 'failed', claim = NULL, outcome = 'disabled'
    FROM waiting JOIN webhooks endpoint ON endpoint.id = waiting.webhook_id AND endpoint.state = 'disabled'
    WHERE message.webhook_id = waiting.webhook_id AND message.state = 'waiting'
      AND message.next_attempt_at <= :now
), endpoints AS (
    SELECT endpoint.id, endpoint.troubled_since IS NOT NULL AS troubled,
           CASE bot.kind WHEN 'shared' THEN endpoint.installation_id ELSE bot.id END AS tenant,
           coalesce(busy.calls, 0) AS calls
    FROM waiting
    JOIN webhooks endpoint ON endpoint.id = waiting.webhook_id AND endpoint.state = 'enabled'
    JOIN bots bot ON bot.id = endpoint.bot_id AND bot.suspended_at IS NULL
    LEFT JOIN busy ON busy.webhook_id = endpoint.id
), tenants AS (
    SELECT tenant, sum(calls) AS calls FROM endpoints GROUP BY tenant
), due AS (
    SELECT endpoints.id, endpoints.troubled, message.event_id, message.next_attempt_at,
           tenants.calls + row_number() OVER (
               PARTITION BY endpoints.tenant ORDER BY message.next_attempt_at, message.event_id
           ) AS turn
    FROM endpoints JOIN tenants USING (tenant)
    CROSS JOIN LATERAL (
        SELECT event_id, next_attempt_at FROM webhook_deliveries
        WHERE webhook_id = endpoints.id AND state = 'waiting' AND next_attempt_at <= :now
        ORDER BY next_attempt_at LIMIT greatest(0, :per_endpoint - endpoints.calls)
    ) message
), ranked AS (
    SELECT id, event_id, troubled, turn, next_attempt_at,
           row_number() OVER (PARTITION BY troubled ORDER BY turn, next_attempt_at) AS place
    FROM due WHERE turn <= :per_tenant
), chosen AS (
    SELECT id, event_id FROM ranked WHERE NOT troubled OR place <= :troubled_lanes
    ORDER BY turn, next_attempt_at LIMIT :lanes
)
UPDATE webhook_deliveries taken
SET claim = :claim, attempts = taken.attempts + 1, next_attempt_at = :until
FROM chosen JOIN webhooks endpoint ON endpoint.id = chosen.id
WHERE taken.webhook_id = chosen.id AND taken.event_id = chosen.event_id
  -- somebody slow may have written down this moment how it went
  AND taken.state = 'waiting' AND taken.next_attempt_at <= :now
RETURNING taken.webhook_id, taken.event_id, taken.bot_id, taken.guild_id, taken.kind, taken.actor, taken.data,
          taken.created_at, taken.attempts, taken.claim, endpoint.url, endpoint.troubled_since IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class Taken:
    """One message to be sent now; `attempts` counts this one."""

    webhook_id: UUID
    event_id: UUID
    bot_id: UUID
    guild_id: int
    kind: str
    actor: dict[str, Any]
    data: dict[str, Any]
    created_at: datetime
    attempts: int
    claim: UUID
    url: str
    troubled: bool


@dataclass(frozen=True, slots=True)
class Disabled:
    """An endpoint that was given up just now."""

    webhook: Webhook
    reason: DisabledReason


@dataclass(frozen=True, slots=True)
class Addressee:
    """`server` is the name of the endpoint's server."""

    email: str
    locale: str
    server: str


async def take_due(session: AsyncSession, *, now: datetime, lanes: int, troubled_lanes: int) -> list[Taken]:
    """At most `lanes` messages, at most `troubled_lanes` of them for endpoints that fail or are slow.

    No endpoint has more than four calls under way and no tenant more than eight, over all workers together.
    """
    due = select(WebhookDelivery.event_id).where(
        col(WebhookDelivery.state) == "waiting", col(WebhookDelivery.next_attempt_at) <= now
    )
    # nearly every look finds nothing, and one index says so
    if (await session.exec(due.limit(1))).first() is None:
        return []
    await _enter(session)
    rows = await session.exec(
        _TAKE,  # pyright: ignore[reportArgumentType, reportCallIssue] - typed for select()
        params={
            "now": now,
            "until": now + LEASE,
            "claim": new_id(),
            "lanes": lanes,
            "troubled_lanes": troubled_lanes,
            "per_endpoint": PER_ENDPOINT,
            "per_tenant": PER_TENANT,
        },
    )
    return [Taken(*row) for row in rows]


async def list_secrets(
    session: AsyncSession, webhook_ids: Sequence[UUID], *, now: datetime
) -> Sequence[WebhookSecret]:
    """Those that sign now, the one in force first."""
    query = select(WebhookSecret).where(
        col(WebhookSecret.webhook_id).in_(webhook_ids),
        or_(col(WebhookSecret.expires_at).is_(None), col(WebhookSecret.expires_at) > now),
    )
    return (await session.exec(query.order_by(col(WebhookSecret.id).desc()))).all()


async def put_back(session: AsyncSession, taken: Taken, *, now: datetime) -> None:
    """The way there is crowded: in a second, and not counted as an attempt."""
    await session.exec(
        update(WebhookDelivery)
        .where(*_still(taken))
        .values(claim=None, attempts=taken.attempts - 1, next_attempt_at=now + _LATER)
    )


async def settle(
    session: AsyncSession, taken: Taken, attempt: Attempt, *, now: datetime, spread: float
) -> Disabled | None:
    """Write down how the attempt went, and disable the endpoint where that was one too many.

    Does nothing where the claim was lost in the meantime. `spread` is from -1 to 1.
    """
    locked = select(Webhook).where(col(Webhook.id) == taken.webhook_id).with_for_update(key_share=True)
    webhook = (await session.exec(locked)).one_or_none()
    if webhook is None:
        return None
    blocked = webhook.blocked_attempts + 1 if attempt.outcome is Outcome.BLOCKED else 0
    again = reason = None
    if webhook.state == "enabled" and not attempt.is_delivered:
        again = next_attempt_at(taken.attempts, now=now, spread=spread, retry_after=attempt.retry_after)
        reason = reason_to_disable(attempt, is_last=again is None, blocked_attempts=blocked)
    is_given_up = again is None or reason is not None
    written = await session.exec(
        update(WebhookDelivery)
        .where(*_still(taken))
        .values(
            state="delivered" if attempt.is_delivered else "failed" if is_given_up else "waiting",
            claim=None,
            next_attempt_at=again or now,
            outcome=attempt.outcome.value,
            status=attempt.status,
            latency_ms=round(attempt.latency.total_seconds() * 1000),
            answer=attempt.answer,
            attempted_at=now,
        )
    )
    if not written.rowcount:
        return None
    webhook.blocked_attempts = blocked
    webhook.troubled_since = (webhook.troubled_since or now) if attempt.is_troubling else None
    if reason is not None:
        webhook.state, webhook.disabled_reason, webhook.disabled_at = "disabled", reason.value, now
    session.add(webhook)
    await session.flush()
    if reason is None:
        return None
    await give_up_waiting(session, webhook.id, now=now)
    return Disabled(webhook, reason)


async def give_up_waiting(session: AsyncSession, webhook_id: UUID, *, now: datetime) -> None:
    """What a disabled endpoint was still to be told. Its log shows it, and it can be sent again by hand."""
    # those who take lock the same rows in an order of their own
    await _enter(session)
    await session.exec(
        update(WebhookDelivery)
        .where(
            col(WebhookDelivery.webhook_id) == webhook_id,
            col(WebhookDelivery.state) == "waiting",
            or_(col(WebhookDelivery.claim).is_(None), col(WebhookDelivery.next_attempt_at) <= now),
        )
        .values(state="failed", claim=None, outcome=Outcome.DISABLED.value)
    )


async def find_addressee(session: AsyncSession, webhook: Webhook) -> Addressee | None:
    """Who is told of the endpoint's end: the bot's owner; of the shared bot, whoever set the endpoint."""
    query = (
        select(User.email, User.locale, Installation.guild_name)
        .join(Bot, col(User.id) == func.coalesce(col(Bot.owner_user_id), webhook.created_by))
        .join(Installation, col(Installation.id) == webhook.installation_id)
        .where(col(Bot.id) == webhook.bot_id, col(User.status) == "active")
    )
    row = (await session.exec(query)).one_or_none()
    return None if row is None else Addressee(*row)


async def forget_old(session: AsyncSession, *, now: datetime, limit: int) -> int:
    """Delete log rows of more than 30 days and secrets that sign no more; answers how many rows went."""
    old = (
        select(WebhookDelivery.webhook_id, WebhookDelivery.event_id)
        .where(col(WebhookDelivery.created_at) <= now - KEPT, col(WebhookDelivery.state) != "waiting")
        .limit(limit)
        .subquery()
    )
    rows = await session.exec(
        delete(WebhookDelivery).where(
            col(WebhookDelivery.webhook_id) == old.c.webhook_id,
            col(WebhookDelivery.event_id) == old.c.event_id,
        )
    )
    await session.exec(delete(WebhookSecret).where(col(WebhookSecret.expires_at) <= now))
    return rows.rowcount


def _still(taken: Taken) -> tuple[Any, ...]:
    return (
        col(WebhookDelivery.webhook_id) == taken.webhook_id,
        col(WebhookDelivery.event_id) == taken.event_id,
        col(WebhookDelivery.state) == "waiting",
        col(WebhookDelivery.claim) == taken.claim,
    )


async def _enter(session: AsyncSession) -> None:
    await session.exec(select(func.pg_advisory_xact_lock(_TURNSTILE)))
