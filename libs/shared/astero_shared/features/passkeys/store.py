"""Passkeys by user and by credential, and challenges that are used up by being taken."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.errors import NotFoundError
from astero_shared.features.passkeys.tables import Passkey, PasskeyChallenge, Purpose


async def list_passkeys(session: AsyncSession, user_id: UUID) -> Sequence[Passkey]:
    """Oldest first."""
    query = select(Passkey).where(col(Passkey.user_id) == user_id).order_by(col(Passkey.id))
    return (await session.exec(query)).all()


async def find_by_credential(session: AsyncSession, credential_id: bytes) -> Passkey | None:
    query = select(Passkey).where(col(Passkey.credential_id) == credential_id)
    return (await session.exec(query)).one_or_none()


async def insert_passkey(session: AsyncSession, passkey: Passkey) -> None:
    """Raises IntegrityError on `passkeys_credential_id_key` for a credential that is known."""
    session.add(passkey)
    await session.flush()


async def rename_passkey(session: AsyncSession, user_id: UUID, passkey_id: UUID, *, name: str) -> Passkey:
    """Raises NotFoundError `passkeys.not_found`, also for another user's."""
    renamed = await session.exec(
        update(Passkey)
        .where(col(Passkey.id) == passkey_id, col(Passkey.user_id) == user_id)
        .values(name=name)
        .returning(Passkey)
    )
    passkey = renamed.scalar_one_or_none()
    if passkey is None:
        raise NotFoundError(code="passkeys.not_found")
    return passkey


async def delete_passkey(session: AsyncSession, user_id: UUID, passkey_id: UUID) -> str:
    """The name it had. Raises NotFoundError `passkeys.not_found`, also for another user's."""
    gone = await session.exec(
        delete(Passkey)
        .where(col(Passkey.id) == passkey_id, col(Passkey.user_id) == user_id)
        .returning(col(Passkey.name))
    )
    name = gone.scalar_one_or_none()
    if name is None:
        raise NotFoundError(code="passkeys.not_found")
    return name


async def delete_all_passkeys(session: AsyncSession, user_id: UUID) -> bool:
    """False when there was none."""
    gone = await session.exec(
        delete(Passkey).where(col(Passkey.user_id) == user_id).returning(col(Passkey.id))
    )
    return bool(gone.all())


async def advance_sign_count(
    session: AsyncSession, passkey: Passkey, *, sign_count: int, now: datetime
) -> bool:
    """False when the count did not rise: another copy of the key has signed. Some keys stay at 0."""
    count = col(Passkey.sign_count)
    rises = count < sign_count if sign_count else count == 0
    advanced = await session.exec(
        update(Passkey)
        .where(col(Passkey.id) == passkey.id, rises)
        .values(sign_count=sign_count, last_used_at=now)
        .returning(col(Passkey.id))
    )
    return advanced.one_or_none() is not None


async def insert_challenge(session: AsyncSession, challenge: PasskeyChallenge) -> None:
    session.add(challenge)
    await session.flush()


async def take_challenge(
    session: AsyncSession, challenge_hash: bytes, *, purpose: Purpose, bound_to: UUID | None, now: datetime
) -> PasskeyChallenge | None:
    """Use it up. None when it is unknown, too old, used before, or was given for something else."""
    taken = await session.exec(
        delete(PasskeyChallenge)
        .where(
            col(PasskeyChallenge.challenge_hash) == challenge_hash,
            col(PasskeyChallenge.purpose) == purpose,
            col(PasskeyChallenge.bound_to).is_not_distinct_from(bound_to),
            col(PasskeyChallenge.expires_at) > now,
        )
        .returning(PasskeyChallenge)
    )
    return taken.scalar_one_or_none()


async def delete_expired_challenges(session: AsyncSession, *, now: datetime) -> int:
    gone = await session.exec(
        delete(PasskeyChallenge)
        .where(col(PasskeyChallenge.expires_at) <= now)
        .returning(col(PasskeyChallenge.challenge_hash))
    )
    return len(gone.all())
