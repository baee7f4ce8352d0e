"""Changing a module's settings: one revision, one audit row, one transaction; the engine hears afterwards."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from litestar.types import Scope

from astero_api.nudges import Nudges
from astero_api.web.etag import require_revision
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.features.installations.store import get_active
from astero_shared.features.modules.catalog import ModuleSpec
from astero_shared.features.modules.patches import apply_patch, decode_config, encode_config
from astero_shared.features.modules.store import (
    StoredConfig,
    get_config,
    get_revision,
    update_config,
)
from astero_shared.i18n import Locale
from astero_shared.scope import GuildScope


@dataclass(frozen=True, slots=True)
class InForce:
    """The settings after a change; `revision` grew unless the change changed nothing."""

    revision: int
    updated_at: datetime | None
    config: msgspec.Struct


async def change_settings(
    *,
    unit: UnitOfWork,
    nudges: Nudges,
    scope: GuildScope,
    spec: ModuleSpec,
    patch: dict[str, Any],
    request: Scope,
    locale: Locale,
) -> InForce:
    """Merge `patch` in (RFC 7396). Raises NotFoundError, PreconditionFailedError or InvalidError."""
    stored = await _lock(unit, scope, spec)
    require_revision(request, stored.revision)
    before = decode_config(spec, stored.config)
    after = apply_patch(before, patch, locale)
    return await _write(unit, nudges, scope, spec, stored, before, after, AuditAction.MODULE_UPDATED, {})


async def restore_settings(
    *,
    unit: UnitOfWork,
    nudges: Nudges,
    scope: GuildScope,
    spec: ModuleSpec,
    revision: int,
    request: Scope,
) -> InForce:
    """Bring an earlier revision back as a new one. Raises NotFoundError or PreconditionFailedError."""
    stored = await _lock(unit, scope, spec)
    require_revision(request, stored.revision)
    earlier = await get_revision(unit.session, scope, spec.name, revision)
    return await _write(
        unit,
        nudges,
        scope,
        spec,
        stored,
        decode_config(spec, stored.config),
        decode_config(spec, earlier.config),
        AuditAction.MODULE_RESTORED,
        {"restored": revision},
    )


async def _lock(unit: UnitOfWork, scope: GuildScope, spec: ModuleSpec) -> StoredConfig:
    # two changes of one server wait for each other here, so neither is built on what the other replaced
    await get_active(unit.session, scope, lock=True)
    return await get_config(unit.session, scope, spec.name)


async def _write(  # noqa: PLR0917 - the two callers above, nobody else
    unit: UnitOfWork,
    nudges: Nudges,
    scope: GuildScope,
    spec: ModuleSpec,
    stored: StoredConfig,
    before: msgspec.Struct,
    after: msgspec.Struct,
    action: AuditAction,
    details: dict[str, Any],
) -> InForce:
    if after == before:
        return InForce(stored.revision, stored.updated_at, before)
    now = utc_now()
    old, new = encode_config(before), encode_config(after)
    revision = await update_config(
        unit.session, scope, spec.name, config=new, expected_revision=stored.revision, now=now
    )
    await write_audit(
        unit.session,
        actor=scope.actor,
        action=action,
        bot_id=scope.bot_id,
        guild_id=scope.guild_id,
        target=spec.name,
        details={
            "revision": revision,
            "changed": sorted(name for name in new if new[name] != old[name]),
            **details,
        },
    )
    unit.after_commit(lambda: nudges.reload(scope))
    return InForce(revision, now, after)
