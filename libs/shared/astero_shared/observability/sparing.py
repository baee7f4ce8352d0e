"""Keeps a flood of refusals from becoming a flood of lines: so many a minute and address, so many in all."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

PER_ADDRESS: Final = 10
PER_EVENT: Final = 600
_WINDOW_SECONDS: Final = 60


class Sparing:
    """What it remembers is bounded too: addresses whose line was written in this minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._minute = 0
        self._written: Counter[str] = Counter()
        self._written_of: Counter[tuple[str, str]] = Counter()
        self._left_out: Counter[str] = Counter()

    def admit(self, event: str, address: str) -> int | None:
        """None: leave this line out. Otherwise how many of its kind were left out since the last one.

        `address` is what counts as one client: see networks.bucket_of.
        """
        with self._lock:
            minute = int(self._clock()) // _WINDOW_SECONDS
            if minute != self._minute:
                self._minute = minute
                self._written.clear()
                self._written_of.clear()
            if self._written[event] >= PER_EVENT or self._written_of[event, address] >= PER_ADDRESS:
                self._left_out[event] += 1
                return None
            self._written[event] += 1
            self._written_of[event, address] += 1
            return self._left_out.pop(event, 0)
