"""Installations of a bot in servers: who is in, who left, what can come back.

Functions that change take row locks first, so that a removal, a restore and a purge of one server wait for
each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.errors import GoneError, NotFoundError
from astero_shared.features.cases.tables import Case
from astero_shared.features.installations.rules import RESTORE_WINDOW, may_restore
from astero_shared.features.installations.tables import Installation, PurgedGuild
from astero_shared.features.modules.tables import ModuleConfig
from astero_shared.features.webhooks.tables import Webhook
from astero_shared.scope import BotScope, GuildScope


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildFacts:
    """What Discord says of a server when the bot sees it."""

    guild_id: int
    name: str
    icon: str | None = None
    owner_id: int | None = None
    locale: str | None = None
    member_count: int | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """`restorable` is the removed installation whose settings can come back, if the new one is blank."""

    installation: Installation
    is_new: bool
    restorable: Installation | None


@dataclass(frozen=True, slots=True)
class Purged:
    """Rows deleted by table, and the fingerprint (hex) by which the server is known to have been here."""

    rows: dict[str, int]
    server: str


def _of_guild(scope: GuildScope) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (col(Installation.bot_id) == scope.bot_id, col(Installation.guild_id) == scope.guild_id)


async def find_active(session: AsyncSession, scope: GuildScope, *, lock: bool = False) -> Installation | None:
    query = select(Installation).where(*_of_guild(scope), col(Installation.removed_at).is_(None))
    if lock:
        query = query.with_for_update()
    return (await session.exec(query)).one_or_none()


async def get_active(session: AsyncSession, scope: GuildScope, *, lock: bool = False) -> Installation:
    """Raises NotFoundError (`installations.not_found`) when the bot has no active installation there."""
    found = await find_active(session, scope, lock=lock)
    if found is None:
        raise NotFoundError(code="installations.not_found")
    return found


async def find_restorable(session: AsyncSession, scope: GuildScope, *, now: datetime) -> Installation | None:
    """The most recently removed installation, while it can still be restored."""
    newest = await _newest_removed(session, scope, lock=False)
    if newest is None or newest.removed_at is None or not may_restore(newest.removed_at, now):
        return None
    return newest


async def _newest_removed(session: AsyncSession, scope: GuildScope, *, lock: bool) -> Installation | None:
    query = (
        select(Installation)
        .where(*_of_guild(scope), col(Installation.removed_at).is_not(None))
        .order_by(col(Installation.removed_at).desc())
        .limit(1)
    )
    if lock:
        query = query.with_for_update()
    return (await session.exec(query)).one_or_none()


async def record_join(session: AsyncSession, scope: GuildScope, *, facts: GuildFacts, now: datetime) -> Join:
    """The bot sees the server: refresh what is known of it, or start a new, blank installation."""
    active = await find_active(session, scope, lock=True)
    if active is not None:
        _refresh(active, facts)
        session.add(active)
        await session.flush()
        return Join(active, is_new=False, restorable=None)
    fresh = Installation(bot_id=scope.bot_id, guild_id=scope.guild_id, guild_name=facts.name, joined_at=now)
    _refresh(fresh, facts)
    session.add(fresh)
    await session.flush()
    return Join(fresh, is_new=True, restorable=await find_restorable(session, scope, now=now))


def _refresh(installation: Installation, facts: GuildFacts) -> None:
    installation.present = True
    installation.guild_name = facts.name
    installation.guild_icon = facts.icon
    installation.guild_owner_id = facts.owner_id
    installation.guild_locale = facts.locale
    installation.member_count = facts.member_count


async def mark_removed(
    session: AsyncSession, scope: GuildScope, *, by: str, now: datetime
) -> Installation | None:
    """Start the 14 days; None when there is no active installation (a second removal changes nothing).

    Whether the bot is still a member is another question: see mark_left. A blank installation that stands
    in the way of an older restorable one is dropped instead.
    """
    active = await find_active(session, scope, lock=True)
    if active is None:
        return None
    restorable = await find_restorable(session, scope, now=now)
    if restorable is not None and await _is_blank(session, active.id):
        await session.exec(delete(Installation).where(col(Installation.id) == active.id))
        # With the blank row goes what says that the bot is still there and has to leave.
        restorable.present = active.present
        session.add(restorable)
        await session.flush()
        active.removed_at = now
        return active
    active.removed_at = now
    active.removed_by = by
    active.restored_at = None
    session.add(active)
    await session.flush()
    return active


async def mark_all_removed(session: AsyncSession, scope: BotScope, *, by: str, now: datetime) -> None:
    """The whole bot is taken away: the 14 days of each of its servers start."""
    await session.exec(
        update(Installation)
        .where(col(Installation.bot_id) == scope.bot_id, col(Installation.removed_at).is_(None))
        .values(removed_at=now, removed_by=by, restored_at=None)
    )


async def _is_blank(session: AsyncSession, installation_id: UUID) -> bool:
    configured = select(ModuleConfig.module).where(col(ModuleConfig.installation_id) == installation_id)
    moderated = select(Case.id).where(col(Case.installation_id) == installation_id)
    listened = select(Webhook.id).where(col(Webhook.installation_id) == installation_id)
    row = (await session.exec(select(configured.exists(), moderated.exists(), listened.exists()))).one()
    return not any(row)


async def mark_left(session: AsyncSession, scope: GuildScope) -> None:
    """The bot is no longer a member; what was removed before stays as it was."""
    await session.exec(update(Installation).where(*_of_guild(scope)).values(present=False))


async def restore(session: AsyncSession, scope: GuildScope, *, now: datetime) -> Installation:
    """Bring the removed installation back as it was; doing it twice is doing it once.

    The blank installation of a bot that was added again gives way; its cases move over, numbers kept.
    Raises NotFoundError when nothing was removed, GoneError past the deadline, purged or not.
    """
    removed = await _newest_removed(session, scope, lock=True)
    active = await find_active(session, scope, lock=True)
    if removed is None or removed.removed_at is None or not may_restore(removed.removed_at, now):
        if active is not None and active.restored_at is not None:
            return active
        if removed is None and not await _was_purged(session, scope):
            raise NotFoundError(code="installations.not_found", sentence="installations.nothing_to_restore")
        raise GoneError(code="installations.restore_expired")
    present = removed.present
    if active is not None:
        present = active.present
        await session.exec(
            update(Case).where(col(Case.installation_id) == active.id).values(installation_id=removed.id)
        )
        await session.exec(delete(Installation).where(col(Installation.id) == active.id))
    removed.removed_at = None
    removed.removed_by = None
    removed.restored_at = now
    removed.present = present
    session.add(removed)
    await session.flush()
    return removed


async def _was_purged(session: AsyncSession, scope: GuildScope) -> bool:
    # as purge_installation writes it
    fingerprint = sha256(f"{scope.bot_id}:{scope.guild_id}".encode()).digest()
    return await session.get(PurgedGuild, fingerprint) is not None


async def list_installations(
    session: AsyncSession,
    scope: BotScope,
    *,
    state: Literal["active", "removed"],
    now: datetime,
    only: Sequence[int] | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> Sequence[Installation]:
    """By id, oldest first. `removed` lists what can still be restored; `only` narrows by guild."""
    query = select(Installation).where(col(Installation.bot_id) == scope.bot_id)
    if only is not None:
        query = query.where(col(Installation.guild_id).in_(only))
    if state == "active":
        query = query.where(col(Installation.removed_at).is_(None))
    else:
        query = query.where(col(Installation.removed_at) > now - RESTORE_WINDOW)
    if after is not None:
        query = query.where(col(Installation.id) > after)
    return (await session.exec(query.order_by(col(Installation.id)).limit(limit))).all()


async def list_to_leave(session: AsyncSession, bot_ids: Sequence[UUID]) -> Sequence[tuple[UUID, int]]:
    """(bot, guild) pairs that were removed in the dashboard while the bot is still a member."""
    query = (
        select(Installation.bot_id, Installation.guild_id)
        .where(
            col(Installation.bot_id).in_(bot_ids),
            col(Installation.removed_at).is_not(None),
            col(Installation.present).is_(True),
        )
        .distinct()
    )
    return (await session.exec(query)).all()


async def list_expired(session: AsyncSession, *, now: datetime, limit: int = 500) -> Sequence[UUID]:
    """Installations whose 14 days are over."""
    query = (
        select(Installation.id)
        .where(col(Installation.removed_at) <= now - RESTORE_WINDOW)
        .order_by(col(Installation.removed_at))
        .limit(limit)
    )
    return (await session.exec(query)).all()


async def purge(session: AsyncSession, installation_id: UUID) -> Purged | None:
    """Delete every row of it through the owner's function, which checks the deadline itself.

    None when it was restored or purged in the meantime.
    """
    gone: dict[str, Any] | None = (await session.exec(select(func.purge_installation(installation_id)))).one()
    return None if gone is None else Purged(rows=gone["rows"], server=gone["server"])


async def retire_unjoined(session: AsyncSession, *, now: datetime) -> None:
    """Restored servers whose bot never came back within 14 days count as removed again."""
    await session.exec(
        update(Installation)
        .where(
            col(Installation.removed_at).is_(None),
            col(Installation.present).is_(False),
            col(Installation.restored_at) <= now - RESTORE_WINDOW,
        )
        .values(removed_at=now, removed_by="astero", restored_at=None)
    )
