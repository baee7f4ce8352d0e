"""One gateway event on its way to a feature: still bytes, read only as far as the feature asks."""

from collections.abc import Callable, Coroutine
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from astero_bot_engine.gateway.client import BotClient

T = TypeVar("T")


@cache
def _decoder(shape: type[T]) -> msgspec.json.Decoder[T]:
    # Built once per shape: looking the type up again costs a third of decoding a message.
    return msgspec.json.Decoder(shape)


class RawEvent:
    """`guild_id` is the string Discord sent, None outside guilds.

    A resume replays events, so the same one may come twice: what must happen once is keyed by the Discord
    id inside the payload, not by `sequence`.
    """

    __slots__ = ("bot", "epoch", "guild_id", "listeners", "name", "payload", "sequence")

    def __init__(
        self,
        bot: "BotClient",
        name: str,
        payload: msgspec.Raw,
        sequence: int,
        guild_id: str | None,
        listeners: "tuple[Listener, ...]",
    ) -> None:
        self.bot = bot
        self.name = name
        self.payload = payload
        self.sequence = sequence
        # Sequences of another session count from the beginning again.
        self.epoch = bot.epoch
        self.guild_id = guild_id
        self.listeners = listeners

    def decode(self, shape: type[T]) -> T:
        """The payload as `shape`: a msgspec.Struct naming only the fields you read."""
        return _decoder(shape).decode(self.payload)


Work = Coroutine[Any, Any, object]
Listener = Callable[[RawEvent], Work | None]
"""Judges synchronously and answers None (nothing to do, the usual case) or a coroutine that acts."""
