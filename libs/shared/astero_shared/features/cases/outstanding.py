"""What is still to be done about cases, as the engine asks for it: for the bots it holds, or one case it has
carried out. No scope of a member or a server stands behind these questions.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case as when
from sqlalchemy import func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.features.cases.tables import Case
from astero_shared.scope import BotScope, GuildScope


async def settle_case(
    session: AsyncSession,
    case_id: UUID,
    *,
    failure: str | None,
    now: datetime,
) -> None:
    """The outcome of a pending case: done, or failed with the code of the reason."""
    await session.exec(
        update(Case)
        .where(col(Case.id) == case_id, col(Case.state) == "pending")
        .values(
            state="done" if failure is None else "failed",
            failure=failure,
            updated_at=now,
        )
    )


async def note_logged(session: AsyncSession, case_id: UUID, *, message_id: int) -> None:
    """Where the log channel shows the case."""
    await session.exec(update(Case).where(col(Case.id) == case_id).values(log_message_id=message_id))


async def list_unlogged(
    session: AsyncSession, scope: BotScope, *, settled_since: datetime, limit: int = 200
) -> Sequence[Case]:
    """Settled lately and not shown in a log channel: an engine died in between, or there is none."""
    query = (
        select(Case)
        .where(
            col(Case.bot_id) == scope.bot_id,
            col(Case.state) != "pending",
            col(Case.log_message_id).is_(None),
            col(Case.updated_at) > settled_since,
        )
        .order_by(col(Case.id))
        .limit(limit)
    )
    return (await session.exec(query)).all()


async def list_pending(
    session: AsyncSession, bot_ids: Sequence[UUID], *, limit_each: int = 50
) -> Sequence[Case]:
    """Intents not carried out yet, oldest first: opened by the api, or left by an engine that died.

    So many for each bot, so that one with a long queue hides no other's.
    """
    place = func.row_number().over(partition_by=col(Case.bot_id), order_by=col(Case.id))
    ranked = (
        select(col(Case.id).label("id"), place.label("place"))
        .where(col(Case.bot_id).in_(bot_ids), col(Case.state) == "pending")
        .subquery()
    )
    query = (
        select(Case)
        .join(ranked, ranked.c.id == col(Case.id))
        .where(ranked.c.place <= limit_each)
        .order_by(col(Case.id))
    )
    return (await session.exec(query)).all()


async def find_last_removal(
    session: AsyncSession, scope: GuildScope, *, target_id: int, actions: Sequence[str], now: datetime
) -> datetime | None:
    """When automod last did one of `actions` to the member; `now` while one is still to be done."""
    done_at = when((col(Case.state) == "pending", now), else_=col(Case.updated_at))
    query = select(func.max(done_at)).where(
        col(Case.bot_id) == scope.bot_id,
        col(Case.guild_id) == scope.guild_id,
        col(Case.target_id) == target_id,
        col(Case.source) == "automod",
        col(Case.action).in_(actions),
        col(Case.state) != "failed",
    )
    return (await session.exec(query)).one()


async def list_due_to_lift(
    session: AsyncSession, bot_ids: Sequence[UUID], *, now: datetime, limit: int = 1000
) -> Sequence[Case]:
    """Bans whose time is over. Timeouts end by themselves at Discord."""
    query = (
        select(Case)
        .where(
            col(Case.bot_id).in_(bot_ids),
            col(Case.action) == "ban",
            col(Case.state) == "done",
            col(Case.expires_at) <= now,
            col(Case.lifted_at).is_(None),
        )
        .order_by(col(Case.expires_at))
        .limit(limit)
    )
    return (await session.exec(query)).all()


async def mark_lifted(session: AsyncSession, case_id: UUID, *, now: datetime) -> None:
    await session.exec(update(Case).where(col(Case.id) == case_id).values(lifted_at=now))
