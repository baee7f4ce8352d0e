"""READY, GUILD_CREATE, GUILD_UPDATE and GUILD_DELETE, read only as far as an installation needs them."""

from collections.abc import Coroutine
from typing import Any

import msgspec

from astero_bot_engine.dispatch.events import RawEvent
from astero_bot_engine.dispatch.listeners import Listeners
from astero_bot_engine.features.installations.service import InstallationKeeper
from astero_shared.features.installations.store import GuildFacts

Work = Coroutine[Any, Any, None] | None


class _Guild(msgspec.Struct, gc=False):
    id: str
    name: str = ""
    icon: str | None = None
    owner_id: str | None = None
    preferred_locale: str | None = None
    member_count: int | None = None
    unavailable: bool = False


class _Ready(msgspec.Struct, gc=False):
    guilds: list[_Guild] = []


class InstallationListener:
    def __init__(self, keeper: InstallationKeeper) -> None:
        self._keeper = keeper

    def register(self, listeners: Listeners) -> None:
        listeners.always("READY", self.on_ready)
        listeners.always("GUILD_CREATE", self.on_create)
        listeners.always("GUILD_UPDATE", self.on_update)
        listeners.always("GUILD_DELETE", self.on_delete)

    def on_ready(self, event: RawEvent) -> Work:
        guilds = event.decode(_Ready).guilds
        return self._keeper.ready(event.bot, frozenset(int(guild.id) for guild in guilds))

    def on_create(self, event: RawEvent) -> Work:
        guild = event.decode(_Guild)
        return None if guild.unavailable else self._keeper.seen(event.bot, _facts(guild))

    def on_update(self, event: RawEvent) -> Work:
        return self._keeper.changed(event.bot, _facts(event.decode(_Guild)))

    def on_delete(self, event: RawEvent) -> Work:
        guild = event.decode(_Guild)
        # An outage, not a removal: Discord sends the server again when it is back.
        return None if guild.unavailable else self._keeper.gone(event.bot, int(guild.id))


def _facts(guild: _Guild) -> GuildFacts:
    return GuildFacts(
        guild_id=int(guild.id),
        name=guild.name,
        icon=guild.icon,
        owner_id=None if guild.owner_id is None else int(guild.owner_id),
        locale=guild.preferred_locale,
        member_count=guild.member_count,
    )
