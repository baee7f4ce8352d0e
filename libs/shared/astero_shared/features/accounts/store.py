"""Accounts by address and by id, and the single-use secrets of the links they were sent."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.errors import NotFoundError
from astero_shared.features.accounts.tables import AccountToken, User

Purpose = Literal["verify", "reset", "address", "notice"]


async def find_user_by_email(session: AsyncSession, email_key: str) -> User | None:
    """Also suspended ones; a deleted account has no address any more."""
    return (await session.exec(select(User).where(col(User.email_key) == email_key))).one_or_none()


async def get_user(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> User:
    """Raises NotFoundError. Reads the row anew, whatever the session has seen of it."""
    query = select(User).where(col(User.id) == user_id).execution_options(populate_existing=True)
    if lock:
        query = query.with_for_update()
    user = (await session.exec(query)).one_or_none()
    if user is None:
        raise NotFoundError(code="accounts.not_found")
    return user


async def insert_user(session: AsyncSession, user: User) -> None:
    """Raises IntegrityError on `users_email_key_key` when the address has an account."""
    session.add(user)
    await session.flush()


async def insert_user_once(session: AsyncSession, user: User) -> bool:
    """False when the address has an account: the transaction goes on either way."""
    made = await session.exec(
        insert(User)
        .values(user.model_dump())
        .on_conflict_do_nothing(index_elements=["email_key"])
        .returning(col(User.id))
    )
    return made.one_or_none() is not None


async def update_user(session: AsyncSession, user_id: UUID, **changes: Any) -> None:
    """Raises IntegrityError on `users_email_key_key` for the address of another account."""
    await session.exec(update(User).where(col(User.id) == user_id).values(**changes))


async def update_password_hash(session: AsyncSession, user_id: UUID, *, old: str, new: str) -> None:
    """Replaces exactly the hash that was verified; a password changed meanwhile stays."""
    await session.exec(
        update(User).where(col(User.id) == user_id, col(User.password_hash) == old).values(password_hash=new)
    )


async def bump_token_version(session: AsyncSession, user_id: UUID) -> None:
    """Ends every access token of the user at its next use."""
    await session.exec(
        update(User).where(col(User.id) == user_id).values(token_version=User.token_version + 1)
    )


async def insert_account_token(session: AsyncSession, token: AccountToken) -> None:
    """A newer one of a purpose ends the older ones of the same account."""
    await session.exec(
        update(AccountToken)
        .where(
            col(AccountToken.user_id) == token.user_id,
            col(AccountToken.purpose) == token.purpose,
            col(AccountToken.used_at).is_(None),
        )
        .values(used_at=token.created_at)
    )
    session.add(token)
    await session.flush()


async def count_account_tokens(
    session: AsyncSession, user_id: UUID, purpose: Purpose, *, since: datetime
) -> int:
    query = select(func.count(col(AccountToken.id))).where(
        col(AccountToken.user_id) == user_id,
        col(AccountToken.purpose) == purpose,
        col(AccountToken.created_at) > since,
    )
    return (await session.exec(query)).one()


async def find_account_token(
    session: AsyncSession, purpose: Purpose, token_hash: bytes, *, now: datetime
) -> AccountToken | None:
    """None when it is unknown, used, ended by a newer one, or past its time: `now` may not reach the end."""
    query = select(AccountToken).where(
        col(AccountToken.token_hash) == token_hash,
        col(AccountToken.purpose) == purpose,
        col(AccountToken.used_at).is_(None),
        col(AccountToken.expires_at) > now,
    )
    return (await session.exec(query)).one_or_none()


async def claim_account_token(session: AsyncSession, token_id: UUID, *, now: datetime) -> bool:
    """Use it up. One statement, so that of two callers with one token exactly one gets True."""
    claimed = await session.exec(
        update(AccountToken)
        .where(
            col(AccountToken.id) == token_id,
            col(AccountToken.used_at).is_(None),
            col(AccountToken.expires_at) > now,
        )
        .values(used_at=now)
        .returning(col(AccountToken.id))
    )
    return claimed.one_or_none() is not None


async def end_account_tokens(session: AsyncSession, user_id: UUID, *, now: datetime) -> None:
    """Every link that was sent to the account is dead: its address or its password is another now."""
    await session.exec(
        update(AccountToken)
        .where(col(AccountToken.user_id) == user_id, col(AccountToken.used_at).is_(None))
        .values(used_at=now)
    )


async def delete_expired_account_tokens(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """At most `limit` of those that ended before `before`; call again until the answer is 0."""
    ended = (
        select(AccountToken.id)
        .where(col(AccountToken.expires_at) < before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    deleted = await session.exec(
        delete(AccountToken).where(col(AccountToken.id).in_(ended)).returning(col(AccountToken.id))
    )
    return len(deleted.all())
