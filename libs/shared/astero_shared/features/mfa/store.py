"""Seeds, recovery codes and sign-ins half done. What works once is used up by one UPDATE."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.features.mfa.rules import MAX_ATTEMPTS
from astero_shared.features.mfa.tables import PendingLogin, RecoveryCode, TotpSeed


async def find_seed(session: AsyncSession, user_id: UUID) -> TotpSeed | None:
    """Proved or not."""
    query = select(TotpSeed).where(col(TotpSeed.user_id) == user_id).execution_options(populate_existing=True)
    return (await session.exec(query)).one_or_none()


async def replace_seed(session: AsyncSession, user_id: UUID, *, ciphertext: bytes, now: datetime) -> bool:
    """False where one is confirmed: that must be taken away first."""
    replaced = await session.exec(
        insert(TotpSeed)
        .values(user_id=user_id, ciphertext=ciphertext, created_at=now, last_step=0)
        .on_conflict_do_update(
            index_elements=["user_id"],
            set_={"ciphertext": ciphertext, "created_at": now, "last_step": 0},
            where=col(TotpSeed.confirmed_at).is_(None),
        )
        .returning(col(TotpSeed.user_id))
    )
    return replaced.one_or_none() is not None


async def confirm_seed(session: AsyncSession, seed: TotpSeed, *, step: int, now: datetime) -> bool:
    """False where it was confirmed or replaced since it was read."""
    confirmed = await session.exec(
        update(TotpSeed)
        .where(
            col(TotpSeed.user_id) == seed.user_id,
            col(TotpSeed.ciphertext) == seed.ciphertext,
            col(TotpSeed.confirmed_at).is_(None),
        )
        .values(confirmed_at=now, last_step=step)
        .returning(col(TotpSeed.user_id))
    )
    return confirmed.one_or_none() is not None


async def advance_step(session: AsyncSession, seed: TotpSeed, *, step: int) -> bool:
    """Use the code of `step` up; False where it, or a later one, was used before. Of two at once one wins."""
    advanced = await session.exec(
        update(TotpSeed)
        .where(
            col(TotpSeed.user_id) == seed.user_id,
            col(TotpSeed.ciphertext) == seed.ciphertext,
            col(TotpSeed.confirmed_at).is_not(None),
            col(TotpSeed.last_step) < step,
        )
        .values(last_step=step)
        .returning(col(TotpSeed.user_id))
    )
    return advanced.one_or_none() is not None


async def delete_factors(session: AsyncSession, user_id: UUID) -> bool:
    """The seed and every recovery code; False where no seed was confirmed, and nothing is deleted."""
    gone = await session.exec(
        delete(TotpSeed)
        .where(col(TotpSeed.user_id) == user_id, col(TotpSeed.confirmed_at).is_not(None))
        .returning(col(TotpSeed.user_id))
    )
    if gone.one_or_none() is None:
        return False
    await session.exec(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
    return True


async def replace_recovery_codes(
    session: AsyncSession, user_id: UUID, *, hashes: Iterable[bytes], now: datetime
) -> None:
    """None of the codes before works any more."""
    await session.exec(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
    session.add_all(
        [RecoveryCode(code_hash=code_hash, user_id=user_id, created_at=now) for code_hash in hashes]
    )
    await session.flush()


async def claim_recovery_code(
    session: AsyncSession, user_id: UUID, *, hashes: Iterable[bytes], now: datetime
) -> bool:
    """Use one up; `hashes` are of one code under each key. False where it is unknown or was used."""
    claimed = await session.exec(
        update(RecoveryCode)
        .where(
            col(RecoveryCode.code_hash).in_(list(hashes)),
            col(RecoveryCode.user_id) == user_id,
            col(RecoveryCode.used_at).is_(None),
        )
        .values(used_at=now)
        .returning(col(RecoveryCode.code_hash))
    )
    return claimed.one_or_none() is not None


async def count_recovery_codes(session: AsyncSession, user_id: UUID) -> int:
    """How many are left."""
    query = (
        select(func.count())
        .select_from(RecoveryCode)
        .where(col(RecoveryCode.user_id) == user_id, col(RecoveryCode.used_at).is_(None))
    )
    return (await session.exec(query)).one()


async def insert_pending_login(session: AsyncSession, login: PendingLogin) -> None:
    session.add(login)
    await session.flush()


async def claim_attempt(session: AsyncSession, login_id: UUID, *, now: datetime) -> PendingLogin | None:
    """Count one attempt before it is made; None when there is none left, or the time is over.

    The row stays locked until the transaction ends: attempts at once come one after another.
    """
    claimed = await session.exec(
        update(PendingLogin)
        .where(
            col(PendingLogin.id) == login_id,
            col(PendingLogin.ended_at).is_(None),
            col(PendingLogin.expires_at) > now,
            col(PendingLogin.attempts) < MAX_ATTEMPTS,
        )
        .values(attempts=PendingLogin.attempts + 1)
        .returning(PendingLogin)
    )
    return claimed.scalar_one_or_none()


async def end_pending_login(session: AsyncSession, login: PendingLogin, *, now: datetime) -> None:
    login.ended_at = now
    await session.flush()


async def delete_unfinished(session: AsyncSession, *, before: datetime) -> int:
    """Sign-ins half done and seeds never proved, begun before `before`; answers how many rows."""
    logins = await session.exec(
        delete(PendingLogin).where(col(PendingLogin.created_at) < before).returning(col(PendingLogin.id))
    )
    seeds = await session.exec(
        delete(TotpSeed)
        .where(col(TotpSeed.created_at) < before, col(TotpSeed.confirmed_at).is_(None))
        .returning(col(TotpSeed.user_id))
    )
    return len(logins.all()) + len(seeds.all())
