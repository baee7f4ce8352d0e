"""What the worker does for accounts: answers who forgot a password, and forgets links that are over.

The route writes down the address it was given and no more, so its work and its answer are the same for every
address; whether there is an account is found out here, where nobody waits.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_api.features.accounts.links import LETTERS_WINDOW, make_link
from astero_api.mail.kinds import MailKind
from astero_api.mail.letters import Letter, unseal_letter
from astero_api.mail.outbox import put_away, queue_mail
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.crypto.fields import SecretUnavailableError
from astero_shared.crypto.keyring import Keyring
from astero_shared.db.session import in_batches, transaction
from astero_shared.features.accounts.rules import email_key
from astero_shared.features.accounts.store import delete_expired_account_tokens, find_user_by_email
from astero_shared.mail.store import delete_mail, find_mail
from astero_shared.scope import SYSTEM

RESET_TASK: Final = "accounts.answer_forgotten"
_BATCH: Final = 1000
# links count towards an account's letters for as long as the window is
_KEPT: Final = LETTERS_WINDOW + timedelta(hours=1)


async def queue_reset_request(session: AsyncSession, *, email: str) -> None:
    request = Letter(kind=MailKind.RESET_PASSWORD, to=email, locale="en", written_at=utc_now())
    await put_away(session, request, task=RESET_TASK)


async def answer_forgotten(database: AsyncEngine, keyring: Keyring, request_id: UUID) -> None:
    """A letter with a link where the address has an account that may sign in. Twice is once."""
    async with transaction(database) as session:
        row = await find_mail(session, request_id)
        if row is None:
            return
        await delete_mail(session, request_id)
        try:
            email = unseal_letter(keyring, request_id, row.letter).to
        except SecretUnavailableError:
            logger.warning("a request for a new password was dropped: its key is gone")
            return
        user = await find_user_by_email(session, email_key(email))
        if user is None or user.status != "active":
            return
        token = await make_link(session, user, "reset")
        if token is None:
            return
        # to the address of the account: what was typed may only look like it
        await queue_mail(
            session,
            kind=MailKind.RESET_PASSWORD,
            to=user.email,
            locale=user.locale,
            details={"token": token},
        )
        await write_audit(
            session,
            actor=SYSTEM,
            action=AuditAction.PASSWORD_RESET_ASKED,
            account_id=user.id,
            target=str(user.id),
        )


async def forget_links(database: AsyncEngine) -> int:
    """Delete links that ended hours ago; answers how many."""
    before = utc_now() - _KEPT
    return await in_batches(
        database, lambda session: delete_expired_account_tokens(session, before=before, limit=_BATCH)
    )
