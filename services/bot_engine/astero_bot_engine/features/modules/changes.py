"""One member's change of a server's settings: validated as the api validates, one revision, one audit row."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.db.session import reading, transaction
from astero_shared.features.installations.store import get_active
from astero_shared.features.modules.catalog import MODULES
from astero_shared.features.modules.patches import apply_patch, decode_stored, encode_config
from astero_shared.features.modules.store import StoredConfig, get_config, update_config
from astero_shared.i18n import Locale
from astero_shared.scope import GuildScope

Config = TypeVar("Config", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Change(Generic[Config]):
    """Before and after; the same when nothing was to be changed."""

    before: Config
    after: Config

    @property
    def changed(self) -> bool:
        return self.before != self.after


class SettingsDesk:
    """`reload` makes the engine use what was written."""

    def __init__(self, db: AsyncEngine, *, reload: Callable[[UUID, int], Awaitable[None]]) -> None:
        self._db = db
        self._reload = reload

    async def read(self, scope: GuildScope, kind: type[Config]) -> Config:
        """What is in force now, from the database. Raises NotFoundError for a removed server."""
        async with reading(self._db) as session:
            stored = await get_config(session, scope, _module_of(kind))
        return _decode(kind, stored)

    async def change(
        self,
        scope: GuildScope,
        kind: type[Config],
        patch_for: Callable[[Config], Mapping[str, Any]],
        locale: Locale,
    ) -> Change[Config]:
        """`patch_for` sees the settings in force, under their lock, and answers a merge patch.

        Raises InvalidError in the member's language, NotFoundError for a removed server, and whatever
        `patch_for` raises.
        """
        module = _module_of(kind)
        async with transaction(self._db) as session:
            await get_active(session, scope, lock=True)
            stored = await get_config(session, scope, module)
            before = _decode(kind, stored)
            after = apply_patch(before, patch_for(before), locale)
            if after == before:
                return Change(before, after)
            old, new = encode_config(before), encode_config(after)
            revision = await update_config(
                session, scope, module, config=new, expected_revision=stored.revision, now=utc_now()
            )
            await write_audit(
                session,
                actor=scope.actor,
                action=AuditAction.MODULE_UPDATED,
                bot_id=scope.bot_id,
                guild_id=scope.guild_id,
                target=module,
                details={
                    "revision": revision,
                    "changed": sorted(name for name in new if new[name] != old[name]),
                },
            )
        await self._reload(scope.bot_id, scope.guild_id)
        return Change(before, after)


def _module_of(kind: type[msgspec.Struct]) -> str:
    return next(name for name, spec in MODULES.items() if spec.config is kind)


def _decode(kind: type[Config], stored: StoredConfig) -> Config:
    return kind() if stored.config is None else decode_stored(kind, stored.config)[0]
