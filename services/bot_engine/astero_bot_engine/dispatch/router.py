"""From the gateway to the fair queue: an event nobody in its guild wants ends here, with nothing built."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from astero_bot_engine.dispatch.events import RawEvent
from astero_bot_engine.dispatch.interest import Interest
from astero_bot_engine.dispatch.listeners import Listeners
from astero_bot_engine.dispatch.queue import Lane
from astero_bot_engine.gateway.frames import guild_key

if TYPE_CHECKING:
    from astero_bot_engine.gateway.client import BotClient


class _ItselfKey(msgspec.Struct, gc=False):
    """GUILD_CREATE, _UPDATE and _DELETE carry the guild's id as their own."""

    id: str


_ITSELF = frozenset({"GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE"})


class Router:
    """One per bot; `interest` may change at any time and counts from the next event."""

    __slots__ = ("_active_in", "_always", "interest", "lane")

    def __init__(
        self,
        listeners: Listeners,
        interest: Interest,
        lane: Lane,
        *,
        active_in: Callable[[int], Iterable[str]] = lambda _guild_id: (),
    ) -> None:
        """`active_in` answers the modules that work in a guild, asked when the bot first sees it."""
        self._always = listeners.unconditional
        self._active_in = active_in
        self.interest = interest
        self.lane = lane

    def is_behind(self) -> bool:
        return self.lane.is_behind

    def unfinished_from(self, epoch: int) -> int | None:
        """The lowest sequence of this session that is waiting or being acted upon."""
        return self.lane.unfinished_from(epoch)

    def meet_guild(self, guild_id: int) -> None:
        """The bot is in this guild: its messages count from the next one on."""
        self.interest.set_modules(guild_id, self._active_in(guild_id))

    def forget_guild(self, guild_id: int) -> None:
        self.interest.drop_guild(guild_id)

    def route(self, bot: "BotClient", name: str, payload: msgspec.Raw, sequence: int) -> None:
        guilds = self.interest.by_event.get(name)
        if guilds is not None:
            guild_id = guild_key(payload)
            listeners = guilds.get(guild_id) if guild_id is not None else None
            if listeners is not None:
                self.lane.put(RawEvent(bot, name, payload, sequence, guild_id, listeners))
        always = self._always.get(name)
        if always is not None:
            guild_id = (
                msgspec.json.decode(payload, type=_ItselfKey).id if name in _ITSELF else guild_key(payload)
            )
            self.lane.put(RawEvent(bot, name, payload, sequence, guild_id, always))
