"""The worker's part: open a letter, send it, forget it; and take up what a killed worker left."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import procrastinate
from loguru import logger
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_api.mail.addresses import AddressUnusableError, Mailbox
from astero_api.mail.kinds import FORMS
from astero_api.mail.letters import Letter, unseal_letter
from astero_api.mail.message import render
from astero_api.mail.sender import MailPostponedError, MailRefusedError, MailUncertainError, Sender
from astero_api.settings import ApiSettings
from astero_shared.clock import utc_now
from astero_shared.crypto.fields import SecretUnavailableError
from astero_shared.crypto.keyring import Keyring
from astero_shared.db.outages import is_away
from astero_shared.db.session import reading, transaction
from astero_shared.mail.store import (
    claim_hand_over,
    delete_mail,
    delete_queued_before,
    find_mail,
    release_hand_over,
)
from astero_shared.mail.tables import Mail

_WAITS: Final = (5, 15, 60, 120, 300, 600, 900, 1800, 3600, 3600 * 2, 3600 * 4, 3600 * 8, 3600 * 12)
"""Seconds before each further try. A reset link lives for the first seven, a notice for all of them."""
_KEPT: Final = timedelta(days=3)
_SILENT_SECONDS: Final = 60.0
_IN_HAND: Final = timedelta(seconds=90)
"""Longer than a server may take to answer to the text; a worker that has held it for longer is dead."""
_MAX_HAND_OVERS: Final = 2


class Waits(BaseRetryStrategy):
    """What may pass by itself is tried again, later each time; the letter's own age ends it earlier."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        passing = isinstance(exception, MailPostponedError) or is_away(exception)
        if not passing or job.attempts >= len(_WAITS):
            return None
        return RetryDecision(retry_in={"seconds": _WAITS[job.attempts]})


class Post:
    """Sends letters by their id. Without a server it keeps none: see docs/operations.md."""

    def __init__(
        self, database: AsyncEngine, keyring: Keyring, sender: Sender | None, *, public_url: str
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._sender = sender
        self._public_url = public_url
        if sender is None:
            logger.warning("mail is not configured: set SMTP_URL and MAIL_FROM; letters are dropped")

    async def send(self, mail_id: UUID) -> None:
        """Twice is once. Raises MailPostponedError when it should be tried again."""
        async with reading(self._database) as session:
            row = await find_mail(session, mail_id)
        if row is None:
            return
        if self._sender is None:
            # said once, at the start
            async with transaction(self._database) as session:
                await delete_mail(session, mail_id)
            return
        if row.handed_over_at is not None and utc_now() - row.handed_over_at < _IN_HAND:
            raise MailPostponedError("another worker has it in hand")
        if row.hand_overs >= _MAX_HAND_OVERS:
            await self._forget(mail_id, "the server's answer was lost twice")
            return
        try:
            letter = unseal_letter(self._keyring, mail_id, row.letter)
        except SecretUnavailableError:
            await self._forget(mail_id, "its key is gone")
            return
        if letter.written_at + FORMS[letter.kind].useful <= utc_now():
            await self._forget(mail_id, "too late to be of use", letter)
            return
        await self._hand_over(self._sender, row, letter)

    async def _hand_over(self, sender: Sender, row: Mail, letter: Letter) -> None:
        mail_id, seen = row.id, row.handed_over_at
        claimed = False

        async def claim() -> bool:
            nonlocal claimed
            async with transaction(self._database) as session:
                claimed = await claim_hand_over(session, mail_id, seen=seen, now=utc_now())
            return claimed

        try:
            message = render(letter, mail_id=mail_id, sender=sender.mailbox, public_url=self._public_url)
            if not await sender.send(message, Mailbox.of(letter.to), hand_over=claim):
                return
        except MailPostponedError as error:
            if claimed:
                # an answer that was lost may have been a yes: RFC 5321, 4.5.4.1 has the sender try again, and
                # the Message-ID stays the same
                refused = not isinstance(error, MailUncertainError)
                async with transaction(self._database) as session:
                    await release_hand_over(session, mail_id, refused=refused)
            logger.warning("mail postponed: {}", error, mailId=str(mail_id), kind=letter.kind.value)
            raise
        except (AddressUnusableError, MailRefusedError) as error:
            await self._forget(mail_id, str(error), letter)
            return
        async with transaction(self._database) as session:
            await delete_mail(session, mail_id)
        logger.info("mail sent", mailId=str(mail_id), kind=letter.kind.value)

    async def _forget(self, mail_id: UUID, why: str, letter: Letter | None = None) -> None:
        async with transaction(self._database) as session:
            await delete_mail(session, mail_id)
        kind = None if letter is None else letter.kind.value
        logger.warning("mail given up: {}", why, mailId=str(mail_id), kind=kind)


def create_post(settings: ApiSettings, database: AsyncEngine) -> Post:
    """With the server and the sender of the settings, which come together or not at all."""
    sender = None
    if settings.smtp_url is not None and settings.mail_from is not None:
        sender = Sender(
            settings.smtp_url.server,
            settings.mail_from,
            own_name=urlsplit(settings.public_url).hostname or "localhost",
            certificates=settings.smtp_ca_file,
        )
    return Post(database, settings.encryption_key, sender, public_url=settings.public_url)


async def forget_old_mail(database: AsyncEngine) -> int:
    """Letters whose jobs are gone: every try failed, in a way nobody foresaw."""
    async with transaction(database) as session:
        gone = await delete_queued_before(session, before=utc_now() - _KEPT)
    if gone:
        logger.error("mail given up: {} letters were never sent; see the failed jobs of the worker", gone)
    return gone


async def revive_stalled(jobs: procrastinate.App, tasks: Iterable[str]) -> int:
    """What a killed worker had begun of `tasks` is begun again; each of them is harmless to do twice.

    Whether a letter was handed over says its row.
    """
    revived = 0
    for task in tasks:
        for job in await jobs.job_manager.get_stalled_jobs(
            task_name=task, seconds_since_heartbeat=_SILENT_SECONDS
        ):
            await jobs.job_manager.retry_job(job, retry_at=utc_now())
            revived += 1
    return revived
