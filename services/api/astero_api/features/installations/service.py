"""Removing a bot from a server, and bringing it back as it was."""

from astero_api.nudges import Nudges
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.errors import NotFoundError
from astero_shared.features.installations.store import find_active, find_restorable, mark_removed, restore
from astero_shared.features.installations.tables import Installation
from astero_shared.scope import GuildScope


async def remove_from_guild(*, unit: UnitOfWork, nudges: Nudges, scope: GuildScope) -> None:
    """Starts the 14 days and makes the bot leave. Twice is once.

    Raises NotFoundError where the bot is not and nothing is kept.
    """
    now = utc_now()
    removed = await mark_removed(unit.session, scope, by="dashboard", now=now)
    if removed is None:
        if await find_restorable(unit.session, scope, now=now) is None:
            raise NotFoundError("The bot is not in this server.", code="installations.not_found")
        return
    await _audit(unit, scope, AuditAction.GUILD_REMOVED)
    unit.after_commit(lambda: nudges.leave(scope))


async def restore_guild(*, unit: UnitOfWork, nudges: Nudges, scope: GuildScope) -> Installation:
    """Raises NotFoundError when nothing was removed, GoneError past the deadline."""
    before = await find_active(unit.session, scope)
    restored = await restore(unit.session, scope, now=utc_now())
    if before is None or before.id != restored.id:
        await _audit(unit, scope, AuditAction.GUILD_RESTORED)
    unit.after_commit(lambda: nudges.reload(scope))
    return restored


async def _audit(unit: UnitOfWork, scope: GuildScope, action: AuditAction) -> None:
    await write_audit(
        unit.session,
        actor=scope.actor,
        action=action,
        bot_id=scope.bot_id,
        guild_id=scope.guild_id,
        target=str(scope.guild_id),
    )
