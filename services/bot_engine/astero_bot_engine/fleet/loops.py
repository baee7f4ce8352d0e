"""Steps that come round for as long as the engine runs, whatever one of them met."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from loguru import logger

from astero_shared.db.outages import is_away

# Several nudges at once are one.
_COALESCE_SECONDS: Final = 0.1


async def forever(
    step: Callable[[], Awaitable[None]], every: float, nudge: asyncio.Event | None = None
) -> None:
    """Await `step` every so many seconds, and soon after each `nudge`; what it raises is logged."""
    while True:
        if nudge is not None:
            nudge.clear()
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - these loops are what keeps every bot alive
            if is_away(error):
                logger.warning("the database is away", error=type(error).__name__)
            else:
                logger.opt(exception=error).error("a round of the fleet failed")
        if nudge is None:
            await asyncio.sleep(every)
        elif await _is_nudged(nudge, every):
            await asyncio.sleep(_COALESCE_SECONDS)


async def _is_nudged(nudge: asyncio.Event, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            await nudge.wait()
    except TimeoutError:
        return False
    return True
