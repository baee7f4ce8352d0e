"""Fair, bounded queues between the gateway and the features: one lane per bot, served round-robin.

Guarantees: a bot's flood fills only its own lane and waits for its own turn; a full lane drops the oldest
presence-like event first and counts every drop; a failing listener is logged and counted, and stops nothing.
"""

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from loguru import logger

from astero_bot_engine.dispatch.events import Listener, RawEvent, Work

CAPACITY: Final = 1000
# Events worth little once late, dropped before anything else.
PRESENCE_LIKE: Final = frozenset(
    {
        "MESSAGE_REACTION_ADD",
        "MESSAGE_REACTION_REMOVE",
        "MESSAGE_REACTION_REMOVE_ALL",
        "MESSAGE_REACTION_REMOVE_EMOJI",
        "PRESENCE_UPDATE",
        "TYPING_START",
        "VOICE_STATE_UPDATE",
    }
)
# Actions of one bot under way at a time; its further events wait in its lane.
_RUNNING: Final = 16
# Events of one bot per turn, and how long one run of the loop may take before others get it back.
_TURN: Final = 16
_SLICE_SECONDS: Final = 0.002


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """`dropped` and `failed` count by event name since the bot started."""

    waiting: int
    running: int
    handled: int
    dropped: dict[str, int]
    failed: dict[str, int]


class Lane:
    """One bot's queue. Order is kept within presence-like events and within all others."""

    def __init__(self, queue: "FairQueue", bot_id: UUID, *, capacity: int = CAPACITY) -> None:
        self.bot_id = bot_id
        self._queue = queue
        self._capacity = capacity
        self._events: deque[RawEvent] = deque()
        self._lesser: deque[RawEvent] = deque()
        self._running: dict[asyncio.Task[Any], RawEvent] = {}
        self._dropped: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._handled = 0
        self._closed = False
        self._held = False
        self._quiet = asyncio.Event()
        self.queued = False

    def put(self, event: RawEvent) -> None:
        """Never waits and never fails: what does not fit is dropped and counted."""
        if self._closed:
            return
        lesser = event.name in PRESENCE_LIKE
        if len(self._events) + len(self._lesser) >= self._capacity:
            if self._lesser:
                victim = self._lesser.popleft()
            elif lesser:
                self._dropped[event.name] += 1
                return
            else:
                victim = self._events.popleft()
            self._dropped[victim.name] += 1
        (self._lesser if lesser else self._events).append(event)
        if not self.queued and not self._held:
            self._queue.enlist(self)

    @property
    def ready(self) -> bool:
        return not self._held and len(self._running) < _RUNNING and bool(self._events or self._lesser)

    @property
    def is_behind(self) -> bool:
        """More than half full and being served: a reader that waits will find room soon.

        A lane whose actions do not finish is not worth waiting for: it drops, and the line stays alive.
        """
        return self.ready and len(self._events) + len(self._lesser) > self._capacity // 2

    def hold(self) -> None:
        """Keep what comes and hand nothing out, until `resume`."""
        self._held = True

    def resume(self) -> None:
        self._held = False
        if not self.queued and self.ready:
            self._queue.enlist(self)

    def serve(self, now: float, deadline: float) -> float:
        """One turn, begun at `now`: up to _TURN events, fewer past `deadline`. Answers the time."""
        for _ in range(_TURN):
            if not self.ready or now >= deadline:
                break
            event = self._events.popleft() if self._events else self._lesser.popleft()
            for listener in event.listeners:
                self._call(listener, event)
            self._handled += 1
            now = time.perf_counter()
        self._note_quiet()
        return now

    def _call(self, listener: Listener, event: RawEvent) -> None:
        try:
            work = listener(event)
        except Exception as error:  # noqa: BLE001 - one listener must not stop the others
            self._log_failure(event.name, event.guild_id, error)
            return
        if work is not None:
            self._start(work, event)

    def _start(self, work: Work, event: RawEvent) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running[task] = event
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        event = self._running.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log_failure(event.name, event.guild_id, error)
        self._note_quiet()
        if not self.queued and self.ready:
            self._queue.enlist(self)

    def _note_quiet(self) -> None:
        if self._closed and not (self._events or self._lesser or self._running):
            self._quiet.set()

    def _log_failure(self, name: str, guild_id: str | None, error: BaseException) -> None:
        self._failed[name] += 1
        logger.opt(exception=error).error("listener failed", bot=str(self.bot_id), guild=guild_id, event=name)

    def status(self) -> LaneStatus:
        return LaneStatus(
            waiting=len(self._events) + len(self._lesser),
            running=len(self._running),
            handled=self._handled,
            dropped=dict(self._dropped),
            failed=dict(self._failed),
        )

    def unfinished_from(self, epoch: int) -> int | None:
        """The lowest sequence of the session `epoch` that is waiting or being acted upon.

        What a later process resumes from: nothing received and not yet done is lost with this one.
        """
        first = [
            next((event.sequence for event in events if event.epoch == epoch), None)
            for events in (self._events, self._lesser)
        ]
        first += [event.sequence for event in self._running.values() if event.epoch == epoch]
        return min((sequence for sequence in first if sequence is not None), default=None)

    async def drain(self, *, within: float) -> None:
        """Take nothing more; finish what waits and what runs, for `within` seconds, then cancel it."""
        self._closed = True
        self._note_quiet()
        try:
            async with asyncio.timeout(within):
                await self._quiet.wait()
        except TimeoutError:
            late = list(self._running)
            self._held = True
            unfinished = dict(self._running)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            # They did not finish: whoever resumes must hear of them again.
            self._events.extendleft(reversed(unfinished.values()))


class FairQueue:
    """Serves every lane that has something, a small turn each, without a task of its own."""

    def __init__(self) -> None:
        self._waiting: deque[Lane] = deque()
        self._armed = False

    def lane(self, bot_id: UUID, *, capacity: int = CAPACITY) -> Lane:
        return Lane(self, bot_id, capacity=capacity)

    def enlist(self, lane: Lane) -> None:
        lane.queued = True
        self._waiting.append(lane)
        if not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        now = time.perf_counter()
        deadline = now + _SLICE_SECONDS
        while self._waiting and now < deadline:
            lane = self._waiting.popleft()
            now = lane.serve(now, deadline)
            if lane.ready:
                self._waiting.append(lane)
            else:
                lane.queued = False
        self._armed = bool(self._waiting)
        if self._armed:
            asyncio.get_running_loop().call_soon(self._serve)
