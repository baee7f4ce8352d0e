"""Letters that a process without our keys asks for by a job: it knows the account, the worker the address."""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail
from astero_shared.db.session import transaction
from astero_shared.features.accounts.store import get_user

SUSPENDED_TASK: Final = "accounts.tell_suspended"
"""`astero user suspend` writes it, with `account_id`."""


async def tell_suspended(database: AsyncEngine, account_id: UUID) -> None:
    """Nobody is told of a suspension that was taken back meanwhile."""
    async with transaction(database) as session:
        user = await get_user(session, account_id)
        if user.status == "suspended":
            await queue_mail(session, kind=MailKind.ACCOUNT_SUSPENDED, to=user.email, locale=user.locale)
