"""What the owner sees of a bot: its state, a stable reason and the facts, written when they change."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

State = Literal["starting", "online", "degraded", "token_invalid", "stopped", "removed"]


@dataclass(frozen=True, slots=True)
class Status:
    """`reason` is None only where the state says it all."""

    state: State
    reason: str | None = None
    detail: dict[str, Any] = field(default_factory=dict[str, Any])


_WRITE: Final = text(
    "INSERT INTO bot_statuses AS s (bot_id, state, reason, detail, engine_id, since_at, reported_at)"
    " VALUES (:bot_id, :state, :reason, CAST(:detail AS jsonb), :engine_id, clock_timestamp(),"
    "  clock_timestamp())"
    " ON CONFLICT (bot_id) DO UPDATE SET state = excluded.state, reason = excluded.reason,"
    "  detail = excluded.detail, engine_id = excluded.engine_id, reported_at = excluded.reported_at,"
    "  since_at = CASE WHEN s.state = excluded.state AND s.reason IS NOT DISTINCT FROM excluded.reason"
    "   THEN s.since_at ELSE excluded.since_at END"
)
# Bots that no engine holds and that are to be stopped or gone: whoever looks first says so.
_SETTLE: Final = text(
    "INSERT INTO bot_statuses AS s (bot_id, state, reason, detail, engine_id, since_at, reported_at)"
    " SELECT b.id, w.state, w.reason, '{}'::jsonb, CAST(NULL AS uuid), clock_timestamp(), clock_timestamp()"
    " FROM bots b LEFT JOIN bot_leases l ON l.bot_id = b.id"
    " LEFT JOIN bot_statuses o ON o.bot_id = b.id"
    " CROSS JOIN LATERAL (SELECT"
    "  CASE WHEN b.removed_at IS NULL THEN 'stopped' ELSE 'removed' END AS state,"
    "  CASE WHEN b.removed_at IS NULL AND b.suspended_at IS NOT NULL"
    "   THEN 'bots.owner_suspended' END AS reason"
    " ) w"
    " WHERE (b.removed_at IS NOT NULL OR b.suspended_at IS NOT NULL OR b.desired_state = 'stopped')"
    " AND (l.engine_id IS NULL OR l.expires_at < clock_timestamp())"
    " AND (o.bot_id IS NULL OR (o.state, o.reason) IS DISTINCT FROM (w.state, w.reason))"
    " ON CONFLICT (bot_id) DO UPDATE SET state = excluded.state, reason = excluded.reason,"
    "  detail = excluded.detail, engine_id = NULL, since_at = excluded.since_at,"
    "  reported_at = excluded.reported_at"
)

_UNCONFIGURED: Final = text(
    "INSERT INTO bot_statuses AS s (bot_id, state, reason, detail, engine_id, since_at, reported_at)"
    " SELECT b.id, 'stopped', 'bots.not_configured', '{}'::jsonb, CAST(NULL AS uuid), clock_timestamp(),"
    "  clock_timestamp() FROM bots b"
    " LEFT JOIN bot_leases l ON l.bot_id = b.id AND l.expires_at > clock_timestamp()"
    " LEFT JOIN bot_statuses o ON o.bot_id = b.id"
    " WHERE b.id = ANY(:bot_ids) AND l.engine_id IS NULL AND b.desired_state = 'running'"
    " AND (o.state, o.reason) IS DISTINCT FROM ('stopped', 'bots.not_configured')"
    " ON CONFLICT (bot_id) DO UPDATE SET state = excluded.state, reason = excluded.reason,"
    "  detail = excluded.detail, engine_id = NULL, since_at = excluded.since_at,"
    "  reported_at = excluded.reported_at"
)


async def write_status(connection: AsyncConnection, bot_id: UUID, status: Status, *, engine_id: UUID) -> None:
    params = {
        "bot_id": bot_id,
        "state": status.state,
        "reason": status.reason,
        "detail": msgspec.json.encode(status.detail).decode(),
        "engine_id": engine_id,
    }
    await connection.execute(_WRITE, params)


async def settle_unheld(connection: AsyncConnection, *, unconfigured: Collection[UUID]) -> None:
    """Say of bots that nobody runs why not; `unconfigured` have no token in this process."""
    await connection.execute(_SETTLE)
    if unconfigured:
        await connection.execute(_UNCONFIGURED, {"bot_ids": list(unconfigured)})
