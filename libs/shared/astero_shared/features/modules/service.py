"""Changing a module's settings, through whichever door: a new revision with its audit row, or nothing at all.

What follows a change (telling the engine, swapping what is in memory) is done by the caller after the commit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.features.installations.store import get_active
from astero_shared.features.modules.catalog import module_of
from astero_shared.features.modules.patches import apply_patch, decode_config, encode_config
from astero_shared.features.modules.store import StoredConfig, get_config, get_revision, update_config
from astero_shared.features.webhooks.events import SettingsChanged
from astero_shared.features.webhooks.outbox import emit_event
from astero_shared.scope import GuildScope

Config = TypeVar("Config", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Change(Generic[Config]):
    """`revision` and `updated_at` are in force now; they are the old ones when nothing was to be changed."""

    before: Config
    after: Config
    revision: int
    updated_at: datetime | None

    @property
    def changed(self) -> bool:
        return self.before != self.after


def _any_revision(_revision: int) -> None:
    """For those who saw what they change a moment ago, under its lock."""


async def change_settings(
    *,
    session: AsyncSession,
    scope: GuildScope,
    kind: type[Config],
    patch_for: Callable[[Config], Mapping[str, Any]],
    require: Callable[[int], None] = _any_revision,
) -> Change[Config]:
    """`patch_for` sees the settings in force, under their lock, and answers a merge patch (RFC 7396).

    `require` refuses a revision the asker did not see. Raises NotFoundError where the bot is not in the
    server, InvalidError, and whatever `patch_for` and `require` raise.
    """
    stored = await _lock(session, scope, kind)
    require(stored.revision)
    before = decode_config(kind, stored.config)
    after = apply_patch(before, patch_for(before))
    return await _write(session, scope, stored, before, after, AuditAction.MODULE_UPDATED)


async def restore_settings(
    *,
    session: AsyncSession,
    scope: GuildScope,
    kind: type[Config],
    revision: int,
    require: Callable[[int], None] = _any_revision,
) -> Change[Config]:
    """Bring an earlier revision back as a new one. Raises as `change_settings`."""
    stored = await _lock(session, scope, kind)
    require(stored.revision)
    earlier = await get_revision(session, scope, module_of(kind), revision)
    before, after = decode_config(kind, stored.config), decode_config(kind, earlier.config)
    return await _write(session, scope, stored, before, after, AuditAction.MODULE_RESTORED, restored=revision)


async def _lock(session: AsyncSession, scope: GuildScope, kind: type[Config]) -> StoredConfig:
    # Two changes of one server wait for each other here, so neither is built on what the other replaced.
    await get_active(session, scope, lock=True)
    return await get_config(session, scope, module_of(kind))


async def _write(
    session: AsyncSession,
    scope: GuildScope,
    stored: StoredConfig,
    before: Config,
    after: Config,
    action: AuditAction,
    *,
    restored: int | None = None,
) -> Change[Config]:
    if after == before:
        return Change(before, after, stored.revision, stored.updated_at)
    now = utc_now()
    module = module_of(type(after))
    old, new = encode_config(before), encode_config(after)
    revision = await update_config(
        session, scope, module, config=new, expected_revision=stored.revision, now=now
    )
    changed = sorted(name for name in new if new[name] != old[name])
    await write_audit(
        session,
        actor=scope.actor,
        action=action,
        bot_id=scope.bot_id,
        guild_id=scope.guild_id,
        target=module,
        details={
            "revision": revision,
            "changed": changed,
            **({} if restored is None else {"restored": restored}),
        },
    )
    told = SettingsChanged(module=module, revision=revision, changed=tuple(changed), restored=restored)
    await emit_event(session, scope, told)
    return Change(before, after, revision, now)
