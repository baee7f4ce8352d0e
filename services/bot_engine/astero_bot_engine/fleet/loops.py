"""Steps that come round for as long as the engine runs, whatever one of them met."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from loguru import logger

from astero_shared.db.outages import is_away

# Several nudges at once are one.
_COALESCE_SECONDS: Final = 0.1


async def forever(
    step: Callable[[], Awaitable[None]], every: float, nudge: asyncio.Event | None = None, *, what: str
) -> None:
    """Await `step` every so many seconds, and soon after each `nudge`; what it raises is logged.

    That the database is away is told once, as is its return; `what` names the step there.
    """
    database = DatabaseLine(what)
    while True:
        if nudge is not None:
            nudge.clear()
        try:
            await step()
            database.answered()
        except Exception as error:  # noqa: BLE001 - these loops are what keeps every bot alive
            if is_away(error):
                database.failed(error)
            else:
                logger.opt(exception=error).error("a round of the fleet failed", what=what)
        if nudge is None:
            await asyncio.sleep(every)
        elif await _is_nudged(nudge, every):
            await asyncio.sleep(_COALESCE_SECONDS)


class DatabaseLine:
    """Tells of an outage when it begins and when it is over, not in every round between."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._away = False

    def failed(self, error: Exception) -> None:
        if not self._away:
            self._away = True
            logger.warning("the database is away", what=self._what, error=type(error).__name__)

    def answered(self) -> None:
        if self._away:
            self._away = False
            logger.info("the database is back", what=self._what)


async def _is_nudged(nudge: asyncio.Event, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            await nudge.wait()
    except TimeoutError:
        return False
    return True
