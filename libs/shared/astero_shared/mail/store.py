"""Letters by id: written by whoever has something to say, taken by the worker."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.mail.tables import Mail


async def insert_mail(session: AsyncSession, *, mail_id: UUID, letter: bytes, now: datetime) -> None:
    await session.exec(insert(Mail).values(id=mail_id, letter=letter, queued_at=now))


async def find_mail(session: AsyncSession, mail_id: UUID) -> Mail | None:
    """None once it was sent or given up."""
    return await session.get(Mail, mail_id)


async def claim_hand_over(
    session: AsyncSession, mail_id: UUID, *, seen: datetime | None, now: datetime
) -> bool:
    """False when the letter is gone, or is not as it was `seen`: of two tries one hands it over."""
    claimed = await session.exec(
        update(Mail)
        .where(col(Mail.id) == mail_id, col(Mail.handed_over_at).is_not_distinct_from(seen))
        .values(handed_over_at=now, hand_overs=Mail.hand_overs + 1)
        .returning(col(Mail.id))
    )
    return claimed.one_or_none() is not None


async def release_hand_over(session: AsyncSession, mail_id: UUID, *, refused: bool) -> None:
    """It may be tried again; `refused` where the server said that it does not have it."""
    changes: dict[str, Any] = {"handed_over_at": None}
    if refused:
        changes["hand_overs"] = Mail.hand_overs - 1
    await session.exec(update(Mail).where(col(Mail.id) == mail_id).values(**changes))


async def delete_mail(session: AsyncSession, mail_id: UUID) -> None:
    await session.exec(delete(Mail).where(col(Mail.id) == mail_id))


async def delete_queued_before(session: AsyncSession, *, before: datetime) -> int:
    """What nobody will send any more; answers how many."""
    gone = await session.exec(delete(Mail).where(col(Mail.queued_at) < before).returning(col(Mail.id)))
    return len(gone.all())
