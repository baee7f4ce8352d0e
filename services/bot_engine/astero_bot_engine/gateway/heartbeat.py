"""Heartbeats of every connection of this process, by one timer and no thread.

The first beat comes after interval * random() (Discord's rule, so that a restart does not beat in step); a
connection that has not acknowledged its last beat is reported dead instead of beaten again.
"""

import asyncio
import heapq
import itertools
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from loguru import logger


class Beating(Protocol):
    """What the scheduler needs of a connection."""

    async def beat(self) -> None:
        """Send one heartbeat; may wait for the socket."""
        ...

    async def declare_dead(self) -> None:
        """Close with a code that keeps the session (not 1000 or 1001), so that it is resumed."""
        ...


@dataclass(slots=True, eq=False)
class Pulse:
    """One connection's beat. `latency` is in seconds, None until the first acknowledgement."""

    owner: Beating
    interval: float
    latency: float | None = None
    sent_at: float = 0.0
    awaiting_ack: bool = False
    heard: bool = False
    missed: int = 0
    live: bool = True

    def acknowledge(self, now: float) -> None:
        if self.awaiting_ack:
            self.latency = now - self.sent_at
        self.awaiting_ack = False
        self.missed = 0


class HeartbeatScheduler:
    """A heap of due times and one armed timer. Not thread safe: it belongs to one event loop."""

    def __init__(self, *, rng: random.Random | None = None) -> None:
        self._random = rng or random.SystemRandom()
        self._heap: list[tuple[float, int, Pulse]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return sum(pulse.live for _, _, pulse in self._heap)

    def start(self, owner: Beating, *, interval: float) -> Pulse:
        """Begin beating for `owner` every `interval` seconds (HELLO's heartbeat_interval / 1000)."""
        pulse = Pulse(owner, interval)
        now = asyncio.get_running_loop().time()
        self._push(now + interval * self._random.random(), pulse)
        return pulse

    def stop(self, pulse: Pulse) -> None:
        """End it; its heap entry is dropped when it comes up, or at once when most entries are dead."""
        pulse.live = False
        if len(self._heap) > 64 and len(self) < len(self._heap) // 2:  # noqa: PLR2004
            self._heap = [entry for entry in self._heap if entry[2].live]
            heapq.heapify(self._heap)

    def close(self) -> None:
        for _, _, pulse in self._heap:
            pulse.live = False
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _push(self, due: float, pulse: Pulse) -> None:
        heapq.heappush(self._heap, (due, next(self._order), pulse))
        if self._heap[0][2] is pulse:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._heap[0][0], self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._heap and self._heap[0][0] <= now:
            _, _, pulse = heapq.heappop(self._heap)
            if not pulse.live:
                continue
            if self._is_dead(pulse):
                pulse.live = False
                self._spawn(pulse.owner.declare_dead())
                continue
            pulse.awaiting_ack = True
            pulse.heard = False
            pulse.sent_at = now
            self._spawn(pulse.owner.beat())
            heapq.heappush(self._heap, (now + pulse.interval, next(self._order), pulse))
        self._arm()

    @staticmethod
    def _is_dead(pulse: Pulse) -> bool:
        if not pulse.awaiting_ack:
            return False
        pulse.missed += 1
        # Under a flood the acknowledgement waits behind buffered frames: a connection that still
        # delivers gets one beat of grace, a silent one none.
        return not pulse.heard or pulse.missed > 1

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._sending.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._sending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The reader of that connection sees the broken socket itself and reconnects.
            logger.debug("heartbeat not sent", error=repr(error))
