"""How often applications identify: Discord resets the token of one that does it 1000 times a day.

The count is kept in PostgreSQL and taken before each IDENTIFY, so that an engine which crashes in a loop
stops identifying long before Discord acts. A resume costs nothing and is not counted.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
from discord.http import Route
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.gateway.admission import IdentifyDeferredError
from astero_bot_engine.gateway.client import BotClient
from astero_shared.db.outages import is_away

# Kept back for a person who has to get in by hand.
_RESERVE_SHARE: Final = 0.05
_LONGEST_WAIT: Final = 900.0
_DATABASE_WAIT: Final = 5.0
# Discord: max_concurrency identifies in any 5 seconds, per application.
_WINDOW: Final = 5.0
# Between two identifies of any applications of this process: a restart must not look like an attack.
STAGGER: Final = 0.05

# Discord's own count and ours: the lower one is true, because either may lag behind the other.
_TAKE: Final = text(
    "INSERT INTO identify_budgets AS b (application_id, total, remaining, max_concurrency, resets_at)"
    " VALUES (:application_id, :total, :remaining - 1, :max_concurrency,"
    "  clock_timestamp() + make_interval(secs => :reset_after))"
    " ON CONFLICT (application_id) DO UPDATE SET total = excluded.total,"
    "  max_concurrency = excluded.max_concurrency,"
    "  remaining = CASE WHEN b.resets_at <= clock_timestamp() THEN excluded.remaining"
    "   ELSE least(b.remaining - 1, excluded.remaining) END,"
    "  resets_at = CASE WHEN b.resets_at <= clock_timestamp() THEN excluded.resets_at"
    "   ELSE b.resets_at END"
    " RETURNING remaining, EXTRACT(EPOCH FROM resets_at - clock_timestamp())::float8 AS resets_in"
)


class _Limit(msgspec.Struct):
    total: int
    remaining: int
    reset_after: int
    max_concurrency: int = 1


class _Gateway(msgspec.Struct):
    url: str
    session_start_limit: _Limit


class IdentifyBudget:
    """`admit` is what a BotClient asks before each IDENTIFY."""

    def __init__(
        self,
        db: AsyncEngine,
        *,
        stagger: float = STAGGER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._stagger = stagger
        self._clock = clock
        self._turn = asyncio.Lock()
        self._next_at = 0.0
        self._last: dict[int, float] = {}

    async def admit(self, bot: BotClient) -> str:
        """Answers the gateway URL when `bot` may identify now. Raises IdentifyDeferredError, or what
        REST raises.
        """
        answer: Any = await bot.http.request(Route("GET", "/gateway/bot"))
        gateway = msgspec.convert(answer, _Gateway)
        application_id = bot.application_id or 0
        await self._take(application_id, gateway.session_start_limit)
        await self._wait_for_turn(application_id, gateway.session_start_limit.max_concurrency)
        return gateway.url

    async def _take(self, application_id: int, limit: _Limit) -> None:
        params = {
            "application_id": application_id,
            "total": limit.total,
            "remaining": limit.remaining,
            "max_concurrency": limit.max_concurrency,
            "reset_after": limit.reset_after / 1000,
        }
        try:
            async with self._db.begin() as connection:
                row = (await connection.execute(_TAKE, params)).one()
                if row.remaining < limit.total * _RESERVE_SHARE:
                    # Leaving the transaction by an exception gives the counted one back.
                    raise IdentifyDeferredError(min(max(1.0, row.resets_in), _LONGEST_WAIT))
        except SQLAlchemyError as error:
            if not is_away(error):
                raise
            # Without the count a crash loop would go unseen: better a late bot than a reset token.
            raise IdentifyDeferredError(_DATABASE_WAIT) from error

    async def _wait_for_turn(self, application_id: int, max_concurrency: int) -> None:
        async with self._turn:
            now = self._clock()
            due = max(now, self._next_at)
            self._next_at = due + self._stagger
            last = self._last.get(application_id)
            if last is not None:
                due = max(due, last + _WINDOW / max(1, max_concurrency))
            self._last[application_id] = due
        if due > now:
            await asyncio.sleep(due - now)
