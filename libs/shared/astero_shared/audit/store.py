"""Reading the audit log; only the writer adds to it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.audit.chains import chain_of
from astero_shared.audit.tables import AuditEntry, AuditHead
from astero_shared.features.installations.store import get_active
from astero_shared.scope import Actor, GuildScope


async def list_guild_entries(
    session: AsyncSession, scope: GuildScope, *, before: int | None = None, limit: int = 50
) -> Sequence[AuditEntry]:
    """Newest first, from the joining of the installation in force on. Raises NotFoundError."""
    installation = await get_active(session, scope)
    chain = chain_of(bot_id=scope.bot_id, guild_id=scope.guild_id, account_id=None)
    query = select(AuditEntry).where(
        col(AuditEntry.chain) == chain, col(AuditEntry.at) >= installation.joined_at
    )
    if before is not None:
        query = query.where(col(AuditEntry.seq) < before)
    return (await session.exec(query.order_by(col(AuditEntry.seq).desc()).limit(limit))).all()


async def list_own_entries(
    session: AsyncSession, actor: Actor, *, before: UUID | None = None, limit: int = 50
) -> Sequence[AuditEntry]:
    """What a dashboard user did anywhere, and what was done to their account, newest first."""
    query = select(AuditEntry).where(col(AuditEntry.account_id) == UUID(actor.id))
    if before is not None:
        query = query.where(col(AuditEntry.id) < before)
    return (await session.exec(query.order_by(col(AuditEntry.id).desc()).limit(limit))).all()


async def list_untold_heads(session: AsyncSession, *, since: UUID, now: datetime) -> list[AuditHead]:
    """The newest entry of each chain that grew since it was last told; entries older than `since` are not
    looked at.
    """
    newest = (
        select(AuditEntry)
        .where(col(AuditEntry.id) >= since)
        .ext(distinct_on(col(AuditEntry.chain)))
        .order_by(col(AuditEntry.chain), col(AuditEntry.seq).desc())
        .subquery()
    )
    entry = aliased(AuditEntry, newest)
    query = (
        select(entry)
        .outerjoin(AuditHead, col(AuditHead.chain) == entry.chain)
        .where(func.coalesce(col(AuditHead.seq), 0) != entry.seq)
        .order_by(col(entry.chain))
    )
    return [
        AuditHead(
            chain=row.chain, seq=row.seq, hash=row.hash, bot_id=row.bot_id, guild_id=row.guild_id, told_at=now
        )
        for row in (await session.exec(query)).all()
    ]


async def find_last_telling(session: AsyncSession) -> datetime | None:
    return (await session.exec(select(func.max(AuditHead.told_at)))).one()


async def upsert_heads(session: AsyncSession, heads: Sequence[AuditHead]) -> None:
    fresh = insert(AuditHead)
    statement = fresh.on_conflict_do_update(
        index_elements=["chain"],
        set_={name: fresh.excluded[name] for name in ("seq", "hash", "told_at")},
    )
    await session.exec(statement, params=[head.model_dump() for head in heads])
