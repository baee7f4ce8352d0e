"""Requests that come in bursts and end in a hash are let in a few milliseconds apart.

Each needs little of the event loop, but forty at once would hold up everybody else for as long as all of them
take.
"""

import asyncio
from typing import Final

_APART_SECONDS: Final = 0.005
_LONGEST_SECONDS: Final = 0.25


class Pace:
    """One per process. Nobody is held for more than a quarter of a second: more than that is refused soon."""

    def __init__(self) -> None:
        self._next = 0.0

    async def step_in(self) -> None:
        now = asyncio.get_running_loop().time()
        at = max(self._next, now)
        if at - now > _LONGEST_SECONDS:
            return
        self._next = at + _APART_SECONDS
        if at > now:
            await asyncio.sleep(at - now)
