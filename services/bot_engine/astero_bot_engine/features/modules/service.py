"""Every hosted server's settings in memory: what is read for each message never waits for the database.

One query loads a bot; a change swaps one server's settings as a whole, so that no message sees half of one.
A stored value that today's definition refuses is logged; its default holds, for that server only.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import discord
import msgspec
from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_shared.db.session import reading, transaction
from astero_shared.features.cases.config import CasesConfig
from astero_shared.features.cases.rules import case_locale
from astero_shared.features.modules.catalog import MODULES, module_of
from astero_shared.features.modules.patches import decode_config, decode_stored
from astero_shared.features.modules.service import Change, change_settings
from astero_shared.features.modules.store import get_config, list_active_revisions, list_bot_configs
from astero_shared.features.modules.tables import ModuleConfig
from astero_shared.i18n import Locale
from astero_shared.scope import SYSTEM, BotScope, GuildScope

Config = TypeVar("Config", bound=msgspec.Struct)
Prepare = Callable[[Any], object]
"""Turns a module's settings into what its listeners use (compiled patterns, sets of ids)."""

# Where a module of a server stands: (installation, revision).
Stand = tuple[UUID, int]

_INTENTS: Final[dict[str, int]] = {
    spec.name: discord.Intents(**dict.fromkeys(spec.intents, True)).value for spec in MODULES.values()
}


@dataclass(frozen=True, slots=True)
class GuildSettings:
    """One server's settings. `active` names the modules that work there; the mappings are keyed by module."""

    changes: Mapping[str, datetime]
    stands: Mapping[str, Stand]
    configs: Mapping[str, msgspec.Struct]
    prepared: Mapping[str, object]
    active: frozenset[str]

    def config(self, kind: type[Config]) -> Config:
        return cast("Config", self.configs[module_of(kind)])

    def changed_at(self, module: str) -> datetime | None:
        """None while the module was never changed."""
        return self.changes.get(module)


class SettingsMemory:
    """`prepare` says what to make of a module's settings; `announce` hears which modules work in a server."""

    def __init__(
        self,
        db: AsyncEngine,
        *,
        prepare: Mapping[str, Prepare],
        announce: Callable[[UUID, int, Collection[str]], None],
    ) -> None:
        self._db = db
        self._prepare = prepare
        self._announce = announce
        self._bots: dict[UUID, dict[int, GuildSettings]] = {}
        # Two reads of one server must not overtake each other: the older would win.
        self._order: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.defaults = self._build({})

    def of(self, bot_id: UUID, guild_id: int) -> GuildSettings:
        """The defaults for a server where nothing was changed."""
        return self._bots.get(bot_id, {}).get(guild_id, self.defaults)

    def needs(self, bot_id: UUID) -> dict[str, int]:
        """Module name to intent mask, for the modules that work in at least one server of the bot."""
        active = set(self.defaults.active)
        for settings in self._bots.get(bot_id, {}).values():
            active |= settings.active
        return {module: _INTENTS[module] for module in sorted(active)}

    def language(self, bot_id: UUID, guild: discord.Guild) -> Locale:
        """The language of what everybody in the server reads."""
        config = self.of(bot_id, guild.id).config(CasesConfig)
        return case_locale(config.language, guild.preferred_locale.value)

    async def load_bot(self, bot_id: UUID) -> None:
        async with self._order[bot_id]:
            async with reading(self._db) as session:
                rows = await list_bot_configs(session, BotScope(SYSTEM, bot_id))
            self._bots[bot_id] = {}
            for guild_id, configs in _by_guild(rows).items():
                self._swap(bot_id, guild_id, configs)
                # Compiling 500 words takes tens of milliseconds: heartbeats and leases go on in between.
                await asyncio.sleep(0)

    def drop_bot(self, bot_id: UUID) -> None:
        self._bots.pop(bot_id, None)
        self._order.pop(bot_id, None)

    async def reload(self, bot_id: UUID, guild_ids: Collection[int]) -> None:
        """Read these servers again; one without settings, or removed, stands at the defaults afterwards."""
        async with self._order[bot_id]:
            if bot_id not in self._bots:
                return
            async with reading(self._db) as session:
                rows = await list_bot_configs(session, BotScope(SYSTEM, bot_id), guild_ids=list(guild_ids))
            found = _by_guild(rows)
            for guild_id in guild_ids:
                self._swap(bot_id, guild_id, found.get(guild_id, ()))

    async def refresh(self, bot_ids: Sequence[UUID]) -> set[UUID]:
        """Compare with the database and read again what differs; answers the bots where something did."""
        held = [bot_id for bot_id in bot_ids if bot_id in self._bots]
        if not held:
            return set()
        async with reading(self._db) as session:
            rows = await list_active_revisions(session, held)
        stored: dict[UUID, dict[int, dict[str, Stand]]] = {bot_id: defaultdict(dict) for bot_id in held}
        for row in rows:
            if row.module in MODULES:
                stored[row.bot_id][row.guild_id][row.module] = (row.installation_id, row.revision)
        changed: dict[UUID, set[int]] = defaultdict(set)
        for bot_id in held:
            theirs = stored[bot_id]
            for guild_id in self._bots.get(bot_id, {}).keys() | theirs.keys():
                if theirs.get(guild_id, {}) != self.of(bot_id, guild_id).stands:
                    changed[bot_id].add(guild_id)
        for bot_id, guild_ids in changed.items():
            await self.reload(bot_id, guild_ids)
        return set(changed)

    def _swap(self, bot_id: UUID, guild_id: int, rows: Iterable[ModuleConfig]) -> None:
        configs = {row.module: row for row in rows if row.module in MODULES}
        guilds = self._bots[bot_id]
        if configs:
            guilds[guild_id] = self._build(configs)
        else:
            guilds.pop(guild_id, None)
        self._announce(bot_id, guild_id, self.of(bot_id, guild_id).active)

    def _build(self, rows: Mapping[str, ModuleConfig]) -> GuildSettings:
        configs = {name: spec.default() for name, spec in MODULES.items()}
        for name, row in rows.items():
            configs[name], refused = decode_stored(MODULES[name].config, row.config)
            if refused:
                logger.error(
                    "stored settings cannot be read, defaults hold in their place",
                    bot=str(row.bot_id),
                    guild=str(row.guild_id),
                    module=name,
                    revision=row.revision,
                    refused=list(refused),
                )
        active = frozenset(name for name, spec in MODULES.items() if spec.is_active(configs[name]))
        return GuildSettings(
            changes={name: row.updated_at for name, row in rows.items()},
            stands={name: (row.installation_id, row.revision) for name, row in rows.items()},
            configs=configs,
            prepared={
                name: prepare(configs[name]) for name, prepare in self._prepare.items() if name in active
            },
            active=active,
        )


def _by_guild(rows: Iterable[ModuleConfig]) -> dict[int, list[ModuleConfig]]:
    guilds: dict[int, list[ModuleConfig]] = defaultdict(list)
    for row in rows:
        guilds[row.guild_id].append(row)
    return guilds


class SettingsDesk:
    """`reload` makes the engine use what was written."""

    def __init__(self, db: AsyncEngine, *, reload: Callable[[UUID, int], Awaitable[None]]) -> None:
        self._db = db
        self._reload = reload

    async def read(self, scope: GuildScope, kind: type[Config]) -> Config:
        """What is in force now, from the database. Raises NotFoundError for a removed server."""
        async with reading(self._db) as session:
            stored = await get_config(session, scope, module_of(kind))
        return decode_config(kind, stored.config)

    async def change(
        self,
        scope: GuildScope,
        kind: type[Config],
        patch_for: Callable[[Config], Mapping[str, Any]],
    ) -> Change[Config]:
        """As `change_settings`, in a transaction of its own."""
        async with transaction(self._db) as session:
            done = await change_settings(session=session, scope=scope, kind=kind, patch_for=patch_for)
        if done.changed:
            await self._reload(scope.bot_id, scope.guild_id)
        return done
