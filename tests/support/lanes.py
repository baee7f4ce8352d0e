"""Events without a gateway: a lane is told of them directly."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from astero_bot_engine.dispatch.events import Listener, RawEvent

BOT = cast("Any", SimpleNamespace(epoch=0))


def event(
    *listeners: Listener, name: str = "MESSAGE_CREATE", sequence: int = 0, content: str = ""
) -> RawEvent:
    payload = msgspec.Raw(msgspec.json.encode({"content": content}))
    return RawEvent(BOT, name, payload, sequence, "1", listeners)


async def until(condition: Any) -> None:
    while not condition():  # noqa: ASYNC110 - a lane tells nobody
        await asyncio.sleep(0)
