"""The bots this engine holds, and for how long it may be sure of that.

Guarantees: past the certain time every lane is held and every REST call barred, whatever the database does;
a bot that ends here gives its lease up only together with its last status and its session; ending one bot
keeps nobody else waiting.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import chain
from uuid import UUID

from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.fleet.hosting import HostedBot
from astero_bot_engine.fleet.leaving import Leaving, settle
from astero_bot_engine.fleet.statuses import Status
from astero_bot_engine.fleet.timing import Timing


class Roster:
    """`hosted` runs, `ending` still finishes what it received, `leaving` waits for its last words."""

    def __init__(
        self,
        db: AsyncEngine,
        engine_id: UUID,
        timing: Timing,
        *,
        gone: Callable[[UUID], None],
    ) -> None:
        """`gone` hears of each bot that has ended here, for whatever reason."""
        self.hosted: dict[UUID, HostedBot] = {}
        self.ending: dict[UUID, HostedBot] = {}
        self.leaving: dict[UUID, Leaving] = {}
        self.certain_until = 0.0
        self._db = db
        self._engine_id = engine_id
        self._certainty = timing.lease - timing.margin
        self._silence: asyncio.TimerHandle | None = None
        self._silent = False
        self._gone = gone
        self._ends: dict[asyncio.Task[None], UUID] = {}

    def add(self, hosted: HostedBot) -> None:
        self.hosted[hosted.bot_id] = hosted
        if time.monotonic() >= self.certain_until:
            hosted.lane.hold()

    def find(self, bot_id: UUID) -> HostedBot | None:
        """A bot whose lease is here, ending or not."""
        return self.hosted.get(bot_id) or self.ending.get(bot_id)

    def holding(self) -> Iterator[HostedBot]:
        return chain(list(self.hosted.values()), list(self.ending.values()))

    # -- certainty ----------------------------------------------------------------------------------

    def compare(self, held: Mapping[UUID, int], *, asked_at: float, before: Collection[HostedBot]) -> None:
        """The database answered a renewal asked for at `asked_at`: `held` maps bot to fence.

        Bots in `before`, here when it was asked, that are not held any more are lost.
        """
        self.certain_until = asked_at + self._certainty
        if self._silent:
            self._silent = False
            logger.info("leases are renewed again: bots act")
        for hosted in self.holding():
            hosted.client.acts_until = self.certain_until
            hosted.lane.resume()
        self.stop_clock()
        delay = max(0.0, self.certain_until - time.monotonic())
        self._silence = asyncio.get_running_loop().call_later(delay, self._fall_silent)
        for hosted in before:
            if self.find(hosted.bot_id) is hosted and held.get(hosted.bot_id) != hosted.lease.fence:
                logger.warning("a lease was lost", bot=str(hosted.bot_id))
                self._lose(hosted)

    def stop_clock(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _fall_silent(self) -> None:
        self._silent = True
        logger.warning("leases cannot be renewed: bots stay connected and do not act")
        for hosted in self.holding():
            hosted.lane.hold()

    def _lose(self, hosted: HostedBot) -> None:
        """Somebody else holds it: nothing is written any more, not even the session."""
        hosted.client.acts_until = 0.0
        if self.hosted.pop(hosted.bot_id, None) is None:
            self.ending.pop(hosted.bot_id, None)
            return
        self._gone(hosted.bot_id)
        self._follow(hosted.bot_id, asyncio.create_task(hosted.end(keep_session=True, patience=0)))

    # -- ending -------------------------------------------------------------------------------------

    def retire(self, bots: Mapping[UUID, Status | None], *, keep_session: bool = False) -> None:
        """Begin to end these bots; what is said of them in the end is written by `settle`."""
        for bot_id, status in bots.items():
            hosted = self.hosted.pop(bot_id, None)
            if hosted is not None:
                self.ending[bot_id] = hosted
                work = self._end(hosted, status, keep_session=keep_session)
                self._follow(bot_id, asyncio.create_task(work))

    async def _end(self, hosted: HostedBot, status: Status | None, *, keep_session: bool) -> None:
        bot_id = hosted.bot_id
        try:
            await hosted.end(keep_session=keep_session)
        finally:
            # Not there any more: the lease was lost meanwhile, and with it the last word.
            if self.ending.pop(bot_id, None) is not None:
                saved = hosted.client.export_session(everything=True) if keep_session else None
                self.leaving[bot_id] = Leaving(hosted.lease.fence, status, saved)
            self._gone(bot_id)

    def _follow(self, bot_id: UUID, task: asyncio.Task[None]) -> None:
        self._ends[task] = bot_id
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        bot_id = self._ends.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.opt(exception=error).error("a bot did not end cleanly", bot=str(bot_id))

    async def wait_for_end(self, bot_id: UUID | None = None) -> None:
        """Until this bot, or every one, that was ending has ended."""
        tasks = [task for task, of in self._ends.items() if bot_id in {None, of}]
        if tasks:
            await asyncio.wait(tasks)

    async def settle(self) -> None:
        """Write the last words. Raises SQLAlchemyError; what was not written waits for the next time."""
        words = dict(self.leaving)
        await settle(self._db, self._engine_id, words)
        for bot_id, word in words.items():
            if self.leaving.get(bot_id) is word:
                del self.leaving[bot_id]
