"""Who runs which bot: leases in PostgreSQL, by its clock, taken and renewed in single statements.

A bot has at most one holder whose lease has not expired; its fencing number grows with every change of
holder, so that a late word of an old holder can be told from the new one's.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# A bot whose token Discord refused waits for another token; one that failed otherwise is tried again later,
# because the cause (a key, a sharding limit, our own mistake) may be gone with the next release.
_RUNNABLE: Final = """
    b.desired_state = 'running' AND b.removed_at IS NULL AND b.suspended_at IS NULL
    AND (s.state IS NULL
         OR s.state NOT IN ('token_invalid', 'stopped')
         OR s.reason IS NULL
         OR s.reason = 'bots.owner_suspended'
         OR t.updated_at > CAST(s.detail ->> 'tokenSetAt' AS timestamptz)
         OR (s.state = 'stopped' AND s.reported_at < clock_timestamp() - interval '60 seconds')
         OR (b.kind = 'shared' AND s.engine_id IS DISTINCT FROM :engine_id))
"""

_REGISTER: Final = text(
    "INSERT INTO engines (id, url, started_at, heartbeat_at, draining)"
    " VALUES (:engine_id, :url, clock_timestamp(), clock_timestamp(), false)"
    " ON CONFLICT (id) DO UPDATE SET heartbeat_at = clock_timestamp()"
)
_BEAT: Final = text("UPDATE engines SET heartbeat_at = clock_timestamp() WHERE id = :engine_id RETURNING id")
_DRAIN: Final = text("UPDATE engines SET draining = true WHERE id = :engine_id")
_FORGET: Final = text(
    "DELETE FROM engines WHERE id = :engine_id OR heartbeat_at < clock_timestamp() - interval '1 hour'"
)
_RENEW: Final = text(
    "UPDATE bot_leases SET expires_at = clock_timestamp() + :lease"
    " WHERE engine_id = :engine_id RETURNING bot_id, fence"
)
_OPEN: Final = text(
    "INSERT INTO bot_leases (bot_id, engine_id, fence, expires_at)"  # noqa: S608 - constants only
    f" SELECT b.id, NULL, 0, clock_timestamp() FROM bots b"
    f" LEFT JOIN bot_statuses s ON s.bot_id = b.id LEFT JOIN bot_tokens t ON t.bot_id = b.id"
    f" WHERE NOT EXISTS (SELECT FROM bot_leases l WHERE l.bot_id = b.id) AND {_RUNNABLE}"
    " ON CONFLICT (bot_id) DO NOTHING"
)
_CLAIM: Final = text(
    "UPDATE bot_leases SET engine_id = :engine_id, fence = fence + 1,"  # noqa: S608 - constants only
    " expires_at = clock_timestamp() + :lease"
    " WHERE bot_id IN ("
    "  SELECT l.bot_id FROM bot_leases l JOIN bots b ON b.id = l.bot_id"
    "  LEFT JOIN bot_statuses s ON s.bot_id = b.id LEFT JOIN bot_tokens t ON t.bot_id = b.id"
    "  WHERE (l.engine_id IS NULL OR l.expires_at < clock_timestamp())"
    f"  AND NOT l.bot_id = ANY(:excluded) AND {_RUNNABLE}"
    "  ORDER BY l.expires_at LIMIT :most FOR UPDATE OF l SKIP LOCKED)"
    " RETURNING bot_id, fence"
)
_LOCK: Final = text(
    "SELECT bot_id, fence FROM bot_leases WHERE engine_id = :engine_id AND bot_id = ANY(:bot_ids) FOR UPDATE"
)
_RELEASE: Final = text(
    "UPDATE bot_leases SET engine_id = NULL, expires_at = clock_timestamp()"
    " WHERE engine_id = :engine_id AND bot_id = ANY(:bot_ids)"
)
_COUNT: Final = text(
    "SELECT (SELECT count(*) FROM bots b LEFT JOIN bot_statuses s ON s.bot_id = b.id"  # noqa: S608
    "  LEFT JOIN bot_tokens t ON t.bot_id = b.id LEFT JOIN bot_leases l ON l.bot_id = b.id"
    f"  WHERE (l.expires_at > clock_timestamp() AND l.engine_id IS NOT NULL)"
    f"  OR (NOT b.id = ANY(:excluded) AND {_RUNNABLE})) AS bots,"
    " (SELECT count(*) FROM engines WHERE NOT draining"
    "  AND (id = :engine_id OR heartbeat_at > clock_timestamp() - :silent)) AS engines"
)


@dataclass(frozen=True, slots=True)
class Population:
    """`bots` that run or should, and the `engines` that take part, this one included."""

    bots: int
    engines: int

    @property
    def share(self) -> int:
        """How many bots one engine takes at most; together the shares hold every bot."""
        return -(-self.bots // max(1, self.engines))


async def register_engine(connection: AsyncConnection, engine_id: UUID, *, url: str) -> None:
    await connection.execute(_REGISTER, {"engine_id": engine_id, "url": url})


async def renew(connection: AsyncConnection, engine_id: UUID, *, url: str, lease: float) -> dict[UUID, int]:
    """Say that the engine is alive and extend all its leases by `lease` seconds from now.

    Answers what it holds, with each fence.

    A lease that expired and was taken by nobody is held again: no other holder can have acted.
    """
    beat = await connection.execute(_BEAT, {"engine_id": engine_id})
    if beat.first() is None:
        await register_engine(connection, engine_id, url=url)
    rows = await connection.execute(_RENEW, {"engine_id": engine_id, "lease": timedelta(seconds=lease)})
    return {row.bot_id: row.fence for row in rows}


async def count_population(
    connection: AsyncConnection, engine_id: UUID, *, silent: float, excluded: Collection[UUID]
) -> Population:
    """An engine that has said nothing for `silent` seconds gets no share; `excluded` as for `claim`."""
    params = {
        "engine_id": engine_id,
        "silent": timedelta(seconds=silent),
        "excluded": list(excluded),
    }
    row = (await connection.execute(_COUNT, params)).one()
    return Population(bots=row.bots, engines=row.engines)


async def claim(
    connection: AsyncConnection,
    engine_id: UUID,
    *,
    most: int,
    lease: float,
    excluded: Collection[UUID] = (),
) -> dict[UUID, int]:
    """Take up to `most` bots that nobody holds, for `lease` seconds; answers fence by bot.

    Two engines asking at once never get the same bot. `excluded` are bots this process cannot run.
    """
    if most <= 0:
        return {}
    await connection.execute(_OPEN, {"engine_id": engine_id})
    rows = await connection.execute(
        _CLAIM,
        {
            "engine_id": engine_id,
            "lease": timedelta(seconds=lease),
            "most": most,
            "excluded": list(excluded),
        },
    )
    return {row.bot_id: row.fence for row in rows}


async def lock(connection: AsyncConnection, engine_id: UUID, bot_ids: Collection[UUID]) -> dict[UUID, int]:
    """Fence by bot, of those the engine still holds; they cannot change holder until the commit."""
    rows = await connection.execute(_LOCK, {"engine_id": engine_id, "bot_ids": list(bot_ids)})
    return {row.bot_id: row.fence for row in rows}


async def release(connection: AsyncConnection, engine_id: UUID, bot_ids: Collection[UUID]) -> None:
    """Give bots up; anybody may claim them at once."""
    await connection.execute(_RELEASE, {"engine_id": engine_id, "bot_ids": list(bot_ids)})


async def drain(connection: AsyncConnection, engine_id: UUID) -> None:
    """The engine takes no more bots; the others count it out of the shares."""
    await connection.execute(_DRAIN, {"engine_id": engine_id})


async def forget_engine(connection: AsyncConnection, engine_id: UUID) -> None:
    """Remove the row of an engine that ended, and rows of engines that died long ago."""
    await connection.execute(_FORGET, {"engine_id": engine_id})
