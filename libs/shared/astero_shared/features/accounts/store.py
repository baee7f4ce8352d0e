"""Accounts by address and by id."""

from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.errors import NotFoundError
from astero_shared.features.accounts.tables import User


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
