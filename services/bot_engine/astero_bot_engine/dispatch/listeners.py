"""Who is called for which gateway event: features register here once, at engine start."""

from functools import lru_cache

from astero_bot_engine.dispatch.events import Listener


class Listeners:
    """The registry of one engine, the same for all its bots. Registering ends when the first bot starts."""

    def __init__(self) -> None:
        self._always: dict[str, tuple[Listener, ...]] = {}
        self._by_module: dict[str, dict[str, tuple[Listener, ...]]] = {}
        self.of_modules = lru_cache(maxsize=512)(self._of_modules)

    def when_active(self, module: str, event: str, listener: Listener) -> None:
        """Call `listener` for `event` in the guilds where `module` is active, and in no other."""
        events = self._by_module.setdefault(module, {})
        events[event] = (*events.get(event, ()), listener)
        self.of_modules.cache_clear()

    def always(self, event: str, listener: Listener) -> None:
        """Call `listener` for every `event` of every bot: for rare events only (READY, GUILD_DELETE)."""
        self._always[event] = (*self._always.get(event, ()), listener)

    @property
    def unconditional(self) -> dict[str, tuple[Listener, ...]]:
        return self._always

    def _of_modules(self, modules: frozenset[str]) -> dict[str, tuple[Listener, ...]]:
        """Event name to the listeners of `modules`; the same object for the same set of modules."""
        merged: dict[str, tuple[Listener, ...]] = {}
        for module in sorted(modules):
            for event, listeners in self._by_module.get(module, {}).items():
                merged[event] = (*merged.get(event, ()), *listeners)
        return merged
