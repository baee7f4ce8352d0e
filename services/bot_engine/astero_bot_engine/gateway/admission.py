"""The turn of a bot that identifies anew to gain an intent: awaited on its old line, which works meanwhile.

Guarantees: the old line is given up only when the new one may identify at once, so what people ask of the
bot between is answered; no turn is used twice or after it has passed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from loguru import logger

# Discord's window between two identifies of an application: past it the turn may be another's.
_TURN_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 5.0


class IdentifyDeferredError(Exception):
    """The identify budget does not allow one now; ask again in `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"identify deferred for {retry_after:.0f} s")
        self.retry_after = retry_after


class Admission:
    """`ask` waits for the turn and answers the gateway URL; `switch` then gives the old line up."""

    def __init__(self, *, ask: Callable[[], Awaitable[str]], switch: Callable[[], Awaitable[None]]) -> None:
        self._ask = ask
        self._switch = switch
        self._task: asyncio.Task[None] | None = None
        self._turn: tuple[str, float] | None = None

    @property
    def under_way(self) -> bool:
        """From `begin` until the turn is taken."""
        return self._turn is not None or (self._task is not None and not self._task.done())

    @property
    def granted(self) -> bool:
        return self._turn is not None

    def begin(self) -> None:
        if not self.under_way:
            self._task = asyncio.create_task(self._wait())

    def take(self) -> str | None:
        """The gateway URL when its turn is now. None: whoever identifies asks for a turn of its own."""
        turn, self._turn = self._turn, None
        if turn is None:
            # The old line broke first and cannot be resumed.
            self.cancel()
            return None
        url, at = turn
        return url if time.monotonic() - at < _TURN_SECONDS else None

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _wait(self) -> None:
        while True:
            try:
                self._turn = (await self._ask(), time.monotonic())
                break
            except IdentifyDeferredError as error:
                delay = error.retry_after
            except Exception as error:  # noqa: BLE001 - the old line is good: whatever it was, it is asked again
                logger.warning("no turn to identify", error=type(error).__name__)
                delay = _AGAIN_SECONDS
            await asyncio.sleep(delay)
        await self._switch()
