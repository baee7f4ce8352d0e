"""Which guilds of a bot want which events: every gateway event is looked up, and most stop here."""

from collections.abc import Iterable

from astero_bot_engine.dispatch.events import Listener
from astero_bot_engine.dispatch.listeners import Listeners


class Interest:
    """Per bot. Guild ids are kept as the strings that stand in the payload, so nothing is converted."""

    __slots__ = ("_listeners", "by_event")

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners
        self.by_event: dict[str, dict[str, tuple[Listener, ...]]] = {}

    def set_modules(self, guild_id: int, active: Iterable[str]) -> None:
        """Exactly the modules in `active` work in this guild from now on."""
        key = str(guild_id)
        wanted = self._listeners.of_modules(frozenset(active))
        for event in wanted.keys() - self.by_event.keys():
            self.by_event[event] = {}
        for event, guilds in list(self.by_event.items()):
            if event in wanted:
                guilds[key] = wanted[event]
            elif guilds.pop(key, None) is not None and not guilds:
                del self.by_event[event]

    def drop_guild(self, guild_id: int) -> None:
        self.set_modules(guild_id, ())
