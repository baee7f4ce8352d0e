"""The bots this engine holds, and for how long it may be sure of that.

Guarantees: past the certain time every lane is held and every REST call barred, whatever the database does;
a bot that ends here gives its lease up only together with its last status and its session.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.fleet.hosting import HostedBot
from astero_bot_engine.fleet.leaving import Leaving, settle
from astero_bot_engine.fleet.statuses import Status
from astero_bot_engine.fleet.timing import Timing


class Roster:
    """`hosted` runs, `leaving` has ended and waits for its last words to be written."""

    def __init__(
        self,
        db: AsyncEngine,
        engine_id: UUID,
        timing: Timing,
        *,
        gone: Callable[[UUID], None],
    ) -> None:
        """`gone` hears of each bot that runs here no more."""
        self.hosted: dict[UUID, HostedBot] = {}
        self.leaving: dict[UUID, Leaving] = {}
        self.certain_until = 0.0
        self._db = db
        self._engine_id = engine_id
        self._certainty = timing.lease - timing.margin
        self._silence: asyncio.TimerHandle | None = None
        self._gone = gone
        self._ends: set[asyncio.Task[None]] = set()

    def add(self, hosted: HostedBot) -> None:
        self.hosted[hosted.bot_id] = hosted
        if time.monotonic() >= self.certain_until:
            hosted.lane.hold()

    def compare(self, held: Mapping[UUID, int], *, asked_at: float, before: Iterable[UUID]) -> None:
        """The database answered a renewal asked for at `asked_at`: `held` maps bot to fence.

        Bots in `before`, hosted when it was asked, that are not held any more are lost.
        """
        self.be_certain(asked_at)
        for bot_id in before:
            hosted = self.hosted.get(bot_id)
            if hosted is not None and held.get(bot_id) != hosted.lease.fence:
                logger.warning("a lease was lost", bot=str(bot_id))
                self._drop(hosted)

    def be_certain(self, asked_at: float) -> None:
        """Leases granted by a statement sent at `asked_at` (time.monotonic) are good for one lease."""
        self.certain_until = asked_at + self._certainty
        for hosted in self.hosted.values():
            hosted.client.acts_until = self.certain_until
            hosted.lane.resume()
        self.stop_clock()
        delay = max(0.0, self.certain_until - time.monotonic())
        self._silence = asyncio.get_running_loop().call_later(delay, self._fall_silent)

    def stop_clock(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _fall_silent(self) -> None:
        logger.warning("leases cannot be renewed: bots stay connected and do not act")
        for hosted in self.hosted.values():
            hosted.lane.hold()

    def _drop(self, hosted: HostedBot) -> None:
        """Somebody else holds it: nothing is written any more, not even the session."""
        hosted.client.acts_until = 0.0
        self.hosted.pop(hosted.bot_id, None)
        self._gone(hosted.bot_id)
        task = asyncio.create_task(hosted.end(keep_session=True, patience=0))
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)

    async def retire(self, bots: Mapping[UUID, Status | None], *, keep_session: bool = False) -> None:
        """End these bots and note their last words; `settle` writes them."""
        ending = [self.hosted[bot_id] for bot_id in bots if bot_id in self.hosted]
        await asyncio.gather(*(hosted.end(keep_session=keep_session) for hosted in ending))
        for hosted in ending:
            if self.hosted.pop(hosted.bot_id, None) is None:
                continue  # lost while it ended
            self._gone(hosted.bot_id)
            saved = hosted.client.export_session(everything=True) if keep_session else None
            self.leaving[hosted.bot_id] = Leaving(hosted.lease.fence, bots[hosted.bot_id], saved)

    async def settle(self) -> None:
        """Raises SQLAlchemyError; what was not written waits for the next time."""
        words = dict(self.leaving)
        await settle(self._db, self._engine_id, words)
        for bot_id, word in words.items():
            if self.leaving.get(bot_id) is word:
                del self.leaving[bot_id]

    async def close(self) -> None:
        self.stop_clock()
        await asyncio.gather(*self._ends, return_exceptions=True)
