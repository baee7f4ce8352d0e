"""A change of settings from the dashboard: If-Match is honoured, the engine hears of it after the commit."""

from typing import Any

import msgspec
from litestar.types import Scope

from astero_api.nudges import Nudges
from astero_api.web.etag import require_revision
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.features.modules.service import Change, change_settings, restore_settings
from astero_shared.scope import GuildScope


async def change_module(
    *,
    unit: UnitOfWork,
    nudges: Nudges,
    scope: GuildScope,
    kind: type[msgspec.Struct],
    patch: dict[str, Any],
    request: Scope,
) -> Change[Any]:
    """Merge `patch` in (RFC 7396). Raises NotFoundError, PreconditionFailedError or InvalidError."""
    done = await change_settings(
        session=unit.session,
        scope=scope,
        kind=kind,
        patch_for=lambda _: patch,
        require=lambda revision: require_revision(request, revision),
    )
    return _told(unit, nudges, scope, done)


async def restore_module(
    *,
    unit: UnitOfWork,
    nudges: Nudges,
    scope: GuildScope,
    kind: type[msgspec.Struct],
    revision: int,
    request: Scope,
) -> Change[Any]:
    """Bring an earlier revision back as a new one. Raises NotFoundError or PreconditionFailedError."""
    done = await restore_settings(
        session=unit.session,
        scope=scope,
        kind=kind,
        revision=revision,
        require=lambda in_force: require_revision(request, in_force),
    )
    return _told(unit, nudges, scope, done)


def _told(unit: UnitOfWork, nudges: Nudges, scope: GuildScope, done: Change[Any]) -> Change[Any]:
    if done.changed:
        unit.after_commit(lambda: nudges.reload(scope))
    return done
