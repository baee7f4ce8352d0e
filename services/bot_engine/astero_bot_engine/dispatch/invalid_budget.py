"""The invalid requests all bots of this process share: Discord blocks the whole address past its limit.

10,000 answers of 401, 403 or 429 in 10 minutes (topics/rate-limits), 429 of scope `shared` not counted. At
80 % the bots that burn it are barred, most wasteful first, so that the others keep working.
"""

import time
from collections import Counter, deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from uuid import UUID

from loguru import logger

LIMIT: Final = 10_000
WINDOW_SECONDS: Final = 600.0
_SLOT_SECONDS: Final = 10.0
_COUNTED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
# Shares of the limit: where burners are barred, what the others may keep, where they are let in again,
# and where everybody waits.
_TRIP, _KEEP, _RELEASE, _HALT = 0.8, 0.2, 0.6, 0.95

QUARANTINED: Final = "bots.quarantined"
HALTED: Final = "bots.discord_paused"


class InvalidBudget:
    """`engines` that share the address share the limit. `clock` is in seconds and never goes back."""

    def __init__(self, *, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._slots: deque[tuple[float, Counter[UUID | None]]] = deque()
        self._counts: Counter[UUID | None] = Counter()
        self._total = 0
        self._quarantined: frozenset[UUID | None] = frozenset()

    def record(self, bot_id: UUID | None, *, status: int, scope: str | None) -> None:
        """One answer of Discord; `bot_id` None when it was asked without a bot's token."""
        if status not in _COUNTED or scope == "shared":
            return
        now = self._clock()
        self._expire(now)
        if not self._slots or now - self._slots[-1][0] >= _SLOT_SECONDS:
            self._slots.append((now, Counter()))
        self._slots[-1][1][bot_id] += 1
        self._counts[bot_id] += 1
        self._total += 1
        if self._total >= self.limit * _TRIP:
            self._quarantine()

    def bar(self, bot_id: UUID) -> str | None:
        """Why this bot may not call now, as a stable code."""
        if not self._total:
            return None
        self._expire(self._clock())
        if bot_id in self._quarantined:
            return QUARANTINED
        return HALTED if self._total >= self.limit * _HALT else None

    @property
    def total(self) -> int:
        self._expire(self._clock())
        return self._total

    def of(self, bot_id: UUID) -> int:
        self._expire(self._clock())
        return self._counts[bot_id]

    def _expire(self, now: float) -> None:
        while self._slots and now - self._slots[0][0] >= WINDOW_SECONDS:
            _, counted = self._slots.popleft()
            self._counts -= counted
            self._total -= counted.total()
        if self._quarantined and self._total < self.limit * _RELEASE:
            self._quarantined = frozenset()

    def _quarantine(self) -> None:
        barred = set(self._quarantined)
        rest = self._total - sum(self._counts[bot_id] for bot_id in barred)
        for bot_id, count in self._counts.most_common():
            if rest <= self.limit * _KEEP:
                break
            if bot_id is not None and bot_id not in barred:
                barred.add(bot_id)
                rest -= count
                logger.warning("bot quarantined: invalid requests", bot=str(bot_id), count=count)
        self._quarantined = frozenset(barred)
