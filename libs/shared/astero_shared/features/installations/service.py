"""A bot's coming to a server, its removal and its return, each with its audit row, whoever made it happen.

What follows (leaving at Discord, reading the settings again) is done by the caller after the commit.
"""

from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.features.installations import store
from astero_shared.features.installations.rules import purge_at
from astero_shared.features.installations.tables import Installation
from astero_shared.features.webhooks.events import ServerRemoved, ServerRestored
from astero_shared.features.webhooks.outbox import emit_event
from astero_shared.scope import GuildScope


async def join_guild(*, session: AsyncSession, scope: GuildScope, facts: store.GuildFacts) -> store.Join:
    """The bot sees the server. Only the first time is told; afterwards what is known of it is refreshed."""
    join = await store.record_join(session, scope, facts=facts, now=utc_now())
    if join.is_new:
        await _audit(session, scope, AuditAction.GUILD_JOINED)
    return join


async def remove_guild(*, session: AsyncSession, scope: GuildScope, by: str) -> Installation | None:
    """Start the 14 days; None, and nothing told, where the bot is not."""
    now = utc_now()
    removed = await store.mark_removed(session, scope, by=by, now=now)
    if removed is not None:
        await _audit(session, scope, AuditAction.GUILD_REMOVED)
        told = ServerRemoved(restorable_until=purge_at(now))
        await emit_event(session, scope, told, installation_id=removed.id)
    return removed


async def restore_guild(*, session: AsyncSession, scope: GuildScope) -> Installation:
    """Bring the server back as it was; twice is once, and told once.

    Raises NotFoundError when nothing was removed, GoneError past the deadline.
    """
    now = utc_now()
    restored = await store.restore(session, scope, now=now)
    if restored.restored_at == now:
        await _audit(session, scope, AuditAction.GUILD_RESTORED)
        await emit_event(session, scope, ServerRestored())
    return restored


async def _audit(session: AsyncSession, scope: GuildScope, action: AuditAction) -> None:
    await write_audit(
        session,
        actor=scope.actor,
        action=action,
        bot_id=scope.bot_id,
        guild_id=scope.guild_id,
        target=str(scope.guild_id),
    )
