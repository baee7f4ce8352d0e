"""Connected Discord accounts, by user and by Discord id."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.features.accounts.tables import User
from astero_shared.features.discord_accounts.tables import DiscordAccount


async def find_discord_account(session: AsyncSession, user_id: UUID) -> DiscordAccount | None:
    """As the row is now, whatever the session has seen of it."""
    return await session.get(DiscordAccount, user_id, populate_existing=True)


async def find_user_by_discord_id(
    session: AsyncSession, discord_user_id: int, *, lock: bool = False
) -> User | None:
    query = (
        select(User)
        .join(DiscordAccount, col(DiscordAccount.user_id) == col(User.id))
        .where(col(DiscordAccount.discord_user_id) == discord_user_id)
    )
    if lock:
        query = query.with_for_update(of=User)
    return (await session.exec(query)).one_or_none()


async def connect_discord_account(
    session: AsyncSession,
    *,
    user_id: UUID,
    discord_user_id: int,
    username: str,
    access_ciphertext: bytes,
    refresh_ciphertext: bytes,
    access_expires_at: datetime,
    now: datetime,
) -> None:
    """Store or replace. Raises IntegrityError on `discord_accounts_discord_user_id_key` when it is taken."""
    values = {
        "discord_user_id": discord_user_id,
        "username": username,
        "access_ciphertext": access_ciphertext,
        "refresh_ciphertext": refresh_ciphertext,
        "access_expires_at": access_expires_at,
    }
    await session.exec(
        insert(DiscordAccount)
        .values(user_id=user_id, connected_at=now, **values)
        .on_conflict_do_update(index_elements=["user_id"], set_=values)
    )


async def disconnect_discord_account(session: AsyncSession, user_id: UUID) -> DiscordAccount | None:
    """What was connected; None when nothing is."""
    gone = await session.exec(
        delete(DiscordAccount).where(col(DiscordAccount.user_id) == user_id).returning(DiscordAccount)
    )
    return gone.scalar_one_or_none()


async def replace_tokens(
    session: AsyncSession,
    user_id: UUID,
    *,
    refresh_used: bytes,
    access_ciphertext: bytes,
    refresh_ciphertext: bytes,
    access_expires_at: datetime,
) -> None:
    """Only while the refresh token that was used is still the stored one: of two refreshes one wins."""
    await session.exec(
        update(DiscordAccount)
        .where(col(DiscordAccount.user_id) == user_id, col(DiscordAccount.refresh_ciphertext) == refresh_used)
        .values(
            access_ciphertext=access_ciphertext,
            refresh_ciphertext=refresh_ciphertext,
            access_expires_at=access_expires_at,
        )
    )
