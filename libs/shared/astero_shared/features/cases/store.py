"""Cases: numbered without a gap, opened once for one cause, never deleted but with their server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.errors import AsteroError, NotFoundError
from astero_shared.features.cases.tables import Case, CaseCounter
from astero_shared.features.fleet.tables import BotLease
from astero_shared.features.installations.store import get_active
from astero_shared.ids import new_id
from astero_shared.scope import GuildScope


class LeaseLostError(AsteroError):
    """The asking engine no longer holds the bot: another one acts."""

    status = 409
    default_code = "fleet.lease_lost"


@dataclass(frozen=True, slots=True)
class Fence:
    """Proof that an engine holds a bot; checked by the database in the transaction that acts."""

    engine_id: UUID
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDraft:
    """What opens a case. `source_key` names the cause; a second case of the same cause is not opened.

    `related` None: the service finds them.
    """

    action: str
    source: str
    target_id: int
    target_name: str | None = None
    moderator_id: str
    moderator_name: str | None = None
    source_key: str | None = None
    rule: str | None = None
    channel_id: int | None = None
    message_id: int | None = None
    reason: str | None = None
    internal_note: str | None = None
    duration_seconds: int | None = None
    related: tuple[int, ...] | None = None


async def check_fence(session: AsyncSession, bot_id: UUID, fence: Fence) -> None:
    """Raises LeaseLostError unless the engine holds the bot now; the lease cannot change until commit."""
    query = (
        select(BotLease.bot_id)
        .where(
            col(BotLease.bot_id) == bot_id,
            col(BotLease.engine_id) == fence.engine_id,
            col(BotLease.fence) == fence.number,
        )
        .with_for_update(read=True)
    )
    if (await session.exec(query)).one_or_none() is None:
        raise LeaseLostError


async def insert_case(
    session: AsyncSession, scope: GuildScope, *, draft: CaseDraft, now: datetime, fence: Fence | None = None
) -> Case | None:
    """The next case of the server, pending; None when this cause already opened one.

    The counter's row lock orders concurrent openers until they commit, and a rollback gives the number back.
    """
    if fence is not None:
        await check_fence(session, scope.bot_id, fence)
    installation = await get_active(session, scope)
    counter = insert(CaseCounter).values(bot_id=scope.bot_id, guild_id=scope.guild_id, last_number=1)
    number = (
        await session.exec(
            counter.on_conflict_do_update(
                index_elements=["bot_id", "guild_id"], set_={"last_number": CaseCounter.last_number + 1}
            ).returning(col(CaseCounter.last_number))
        )
    ).scalar_one()
    if draft.source_key is not None and await _find_by_cause(session, scope, draft.source_key) is not None:
        await session.exec(
            update(CaseCounter)
            .where(col(CaseCounter.bot_id) == scope.bot_id, col(CaseCounter.guild_id) == scope.guild_id)
            .values(last_number=number - 1)
        )
        return None
    length = draft.duration_seconds
    case = Case(
        id=new_id(),
        installation_id=installation.id,
        bot_id=scope.bot_id,
        guild_id=scope.guild_id,
        number=number,
        action=draft.action,
        source=draft.source,
        source_key=draft.source_key,
        rule=draft.rule,
        moderator_id=draft.moderator_id,
        moderator_name=draft.moderator_name,
        target_id=draft.target_id,
        target_name=draft.target_name,
        channel_id=draft.channel_id,
        message_id=draft.message_id,
        reason=draft.reason,
        internal_note=draft.internal_note,
        duration_seconds=draft.duration_seconds,
        expires_at=None if length is None else now + timedelta(seconds=length),
        related=list(draft.related or ()),
        created_at=now,
        updated_at=now,
    )
    session.add(case)
    await session.flush()
    return case


async def _find_by_cause(session: AsyncSession, scope: GuildScope, source_key: str) -> UUID | None:
    query = select(Case.id).where(
        col(Case.bot_id) == scope.bot_id,
        col(Case.guild_id) == scope.guild_id,
        col(Case.source_key) == source_key,
    )
    return (await session.exec(query)).one_or_none()


async def get_case(session: AsyncSession, scope: GuildScope, number: int, *, lock: bool = False) -> Case:
    """Raises NotFoundError (`cases.not_found`); cases of a removed server are not visible."""
    installation = await get_active(session, scope)
    query = select(Case).where(col(Case.installation_id) == installation.id, col(Case.number) == number)
    if lock:
        query = query.with_for_update()
    case = (await session.exec(query)).one_or_none()
    if case is None:
        raise NotFoundError(code="cases.not_found", params={"number": number})
    return case


async def list_cases(
    session: AsyncSession,
    scope: GuildScope,
    *,
    target_id: int | None = None,
    moderator_id: str | None = None,
    action: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[Case]:
    """Newest first; `before` is the number to go on from."""
    installation = await get_active(session, scope)
    query = select(Case).where(col(Case.installation_id) == installation.id)
    if target_id is not None:
        query = query.where(col(Case.target_id) == target_id)
    if moderator_id is not None:
        query = query.where(col(Case.moderator_id) == moderator_id)
    if action is not None:
        query = query.where(col(Case.action) == action)
    if before is not None:
        query = query.where(col(Case.number) < before)
    return (await session.exec(query.order_by(col(Case.number).desc()).limit(limit))).all()


async def update_case(session: AsyncSession, case: Case, *, changes: dict[str, Any], now: datetime) -> None:
    """`changes` may hold reason, internal_note and related: the facts of a case are never altered."""
    if not changes.keys() <= {"reason", "internal_note", "related"}:
        raise ValueError("a case's facts are not edited")
    await session.exec(update(Case).where(col(Case.id) == case.id).values(**changes, updated_at=now))
    await session.refresh(case)


async def list_related(
    session: AsyncSession, scope: GuildScope, *, target_id: int, limit: int = 5
) -> list[int]:
    """Numbers of the newest cases about the same member, to relate a new one to them."""
    installation = await get_active(session, scope)
    query = (
        select(Case.number)
        .where(col(Case.installation_id) == installation.id, col(Case.target_id) == target_id)
        .order_by(col(Case.number).desc())
        .limit(limit)
    )
    return list((await session.exec(query)).all())


async def list_known_numbers(session: AsyncSession, scope: GuildScope, numbers: Sequence[int]) -> set[int]:
    """Those of `numbers` that are cases of the server."""
    if not numbers:
        return set()
    installation = await get_active(session, scope)
    query = select(Case.number).where(
        col(Case.installation_id) == installation.id, col(Case.number).in_(numbers)
    )
    return set((await session.exec(query)).all())
