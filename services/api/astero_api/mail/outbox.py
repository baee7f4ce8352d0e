"""Writing a letter: a row and a job in the caller's transaction, so that it leaves with the commit or not."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import procrastinate
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_api.mail.kinds import FORMS, MailKind
from astero_api.mail.letters import Letter, seal_letter
from astero_shared.clock import utc_now
from astero_shared.crypto.keyring import Keyring
from astero_shared.i18n import nearest_locale
from astero_shared.ids import new_id
from astero_shared.mail.store import insert_mail

SEND_TASK: Final = "mail.send"
_KEYRING: Final = "astero_mail_keyring"
# never opened: every job is written on the connection of the transaction that asks for it
_QUEUE: Final = procrastinate.App(connector=procrastinate.PsycopgConnector())


def seal_with(database: AsyncEngine, keyring: Keyring) -> None:
    """Once for each engine whose transactions queue mail, before the first of them."""
    database.sync_engine.update_execution_options(**{_KEYRING: keyring})


async def queue_mail(
    session: AsyncSession,
    *,
    kind: MailKind,
    to: str,
    locale: str,
    details: Mapping[str, str] | None = None,
) -> UUID:
    """One letter to one address, sent after the commit; answers its id.

    `details` are what FORMS asks for, `token` included where the letter has a link; a locale we have no
    sentences for is English. Raises ValueError for other details, in every transaction alike.
    """
    given = dict(details or {})
    needed = FORMS[kind].needed
    if given.keys() != needed:
        raise ValueError(f"a letter {kind} needs {sorted(needed)}, not {sorted(given)}")
    token = given.pop("token", None)
    letter = Letter(
        kind=kind,
        to=to,
        locale=nearest_locale(locale),
        written_at=utc_now(),
        details=given,
        token=token,
    )
    return await put_away(session, letter, task=SEND_TASK)


async def put_away(session: AsyncSession, letter: Letter, *, task: str) -> UUID:
    """Seal it, and a job `task` that gets its id as `mail_id`; both are there with the commit."""
    mail_id = new_id()
    connection = await session.connection()
    keyring: Keyring = session.get_bind().get_execution_options()[_KEYRING]
    sealed = seal_letter(keyring, mail_id, letter)
    await insert_mail(session, mail_id=mail_id, letter=sealed, now=letter.written_at)
    raw = await connection.get_raw_connection()
    job = _QUEUE.configure_task(task, connection=raw.driver_connection)
    await job.defer_async(mail_id=str(mail_id))
    return mail_id
