"""Reading the audit log of a server."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.audit.tables import AuditEntry
from astero_shared.scope import GuildScope


async def list_guild_entries(
    session: AsyncSession, scope: GuildScope, *, before: UUID | None = None, limit: int = 50
) -> Sequence[AuditEntry]:
    """Newest first; `before` is the id to go on from."""
    query = select(AuditEntry).where(
        col(AuditEntry.bot_id) == scope.bot_id, col(AuditEntry.guild_id) == scope.guild_id
    )
    if before is not None:
        query = query.where(col(AuditEntry.id) < before)
    return (await session.exec(query.order_by(col(AuditEntry.id).desc()).limit(limit))).all()
