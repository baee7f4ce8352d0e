"""Reading the audit log; only the writer adds to it."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.audit.tables import AuditEntry
from astero_shared.features.installations.store import get_active
from astero_shared.scope import GuildScope


async def list_guild_entries(
    session: AsyncSession, scope: GuildScope, *, before: UUID | None = None, limit: int = 50
) -> Sequence[AuditEntry]:
    """Newest first, from the joining of the installation in force on. Raises NotFoundError."""
    installation = await get_active(session, scope)
    query = select(AuditEntry).where(
        col(AuditEntry.bot_id) == scope.bot_id,
        col(AuditEntry.guild_id) == scope.guild_id,
        col(AuditEntry.at) >= installation.joined_at,
    )
    if before is not None:
        query = query.where(col(AuditEntry.id) < before)
    return (await session.exec(query.order_by(col(AuditEntry.id).desc()).limit(limit))).all()
