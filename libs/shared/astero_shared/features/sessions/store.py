"""Sign-ins and their single-use refresh tokens."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.features.accounts.tables import User
from astero_shared.features.sessions.rules import Method
from astero_shared.features.sessions.tables import RefreshToken, Session


async def insert_session(session: AsyncSession, sign_in: Session) -> None:
    session.add(sign_in)
    await session.flush()


async def insert_refresh_token(session: AsyncSession, token: RefreshToken) -> None:
    session.add(token)
    await session.flush()


async def list_live_sessions(
    session: AsyncSession, user_id: UUID, *, now: datetime, unused_since: datetime
) -> Sequence[Session]:
    """Newest sign-in first. One that was last used by `unused_since` has no refresh token left that works."""
    query = (
        select(Session)
        .where(
            col(Session.user_id) == user_id,
            col(Session.revoked_at).is_(None),
            col(Session.expires_at) > now,
            col(Session.last_seen_at) > unused_since,
        )
        .order_by(col(Session.id).desc())
    )
    return (await session.exec(query)).all()


async def list_addresses(session: AsyncSession, email_key: str) -> Sequence[str]:
    """Where sign-ins to the account came from, ended ones included for as long as they are kept."""
    query = (
        select(Session.ip)
        .join(User, col(User.id) == col(Session.user_id))
        .where(col(User.email_key) == email_key, col(Session.ip).is_not(None))
        .distinct()
    )
    return [address for address in (await session.exec(query)).all() if address is not None]


async def list_places(session: AsyncSession, user_id: UUID) -> Sequence[tuple[str | None, str | None]]:
    """(user agent, address) of each sign-in that is remembered, ended ones too; each pair once."""
    query = select(Session.user_agent, Session.ip).where(col(Session.user_id) == user_id).distinct()
    return (await session.exec(query)).all()


async def revoke_session(session: AsyncSession, user_id: UUID, session_id: UUID, *, now: datetime) -> bool:
    """False when the user has no such live session."""
    ended = await session.exec(
        update(Session)
        .where(
            col(Session.id) == session_id,
            col(Session.user_id) == user_id,
            col(Session.revoked_at).is_(None),
        )
        .values(revoked_at=now)
        .returning(col(Session.id))
    )
    return ended.one_or_none() is not None


async def revoke_all_sessions(
    session: AsyncSession, user_id: UUID, *, now: datetime, but: UUID | None = None
) -> None:
    """`but` is the one session that goes on."""
    ended = update(Session).where(col(Session.user_id) == user_id, col(Session.revoked_at).is_(None))
    if but is not None:
        ended = ended.where(col(Session.id) != but)
    await session.exec(ended.values(revoked_at=now))


async def claim_refresh_token(
    session: AsyncSession, token_hash: bytes, *, successor: bytes, now: datetime
) -> UUID | None:
    """Use the token up; its session's id, or None when it is unknown, expired or used before.

    One statement, so that of two callers with one token exactly one gets a successor.
    """
    claimed = await session.exec(
        update(RefreshToken)
        .where(
            col(RefreshToken.token_hash) == token_hash,
            col(RefreshToken.used_at).is_(None),
            col(RefreshToken.expires_at) > now,
        )
        .values(used_at=now, replaced_by=successor)
        .returning(col(RefreshToken.session_id))
    )
    return claimed.scalar_one_or_none()


async def find_refresh_token(session: AsyncSession, token_hash: bytes) -> RefreshToken | None:
    return await session.get(RefreshToken, token_hash)


async def find_session(
    session: AsyncSession, session_id: UUID, *, lock: bool = False
) -> tuple[Session, User] | None:
    """A session with its user, whatever state they are in."""
    query = (
        select(Session, User)
        .join(User, col(User.id) == col(Session.user_id))
        .where(col(Session.id) == session_id)
    )
    if lock:
        query = query.with_for_update()
    return (await session.exec(query)).one_or_none()


async def touch_session(session: AsyncSession, session_id: UUID, *, now: datetime) -> None:
    await session.exec(update(Session).where(col(Session.id) == session_id).values(last_seen_at=now))


async def update_authentication(
    session: AsyncSession, sign_in: Session, *, amr: Iterable[Method], now: datetime
) -> None:
    """The user of a live session has proved anew who they are; `amr` is the whole list."""
    sign_in.authenticated_at = now
    sign_in.amr = list(amr)
    await session.flush()


async def delete_ended(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Delete sessions and refresh tokens whose end lies before `before`; answers how many rows of the two.

    At most `limit` of each, which are locked by nobody: call again until the answer is 0.
    """
    tokens = (
        select(RefreshToken.token_hash)
        .where(col(RefreshToken.expires_at) < before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    spent = await session.exec(
        delete(RefreshToken)
        .where(col(RefreshToken.token_hash).in_(tokens))
        .returning(col(RefreshToken.token_hash))
    )
    sign_ins = (
        select(Session.id)
        .where(col(Session.expires_at) < before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ended = await session.exec(
        delete(Session).where(col(Session.id).in_(sign_ins)).returning(col(Session.id))
    )
    return len(spent.all()) + len(ended.all())
