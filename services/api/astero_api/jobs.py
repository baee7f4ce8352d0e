"""Every job of the worker and when it runs."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import procrastinate
from procrastinate.builtin_tasks import remove_old_jobs
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_api.features.accounts.jobs import RESET_TASK, answer_forgotten, forget_links
from astero_api.features.audit.jobs import tell_heads
from astero_api.features.installations.jobs import purge_expired
from astero_api.features.mfa.jobs import forget_unfinished
from astero_api.features.sessions.jobs import forget_ended
from astero_api.features.webhooks.jobs import forget_old_deliveries
from astero_api.mail.jobs import Waits, create_post, forget_old_mail, revive_stalled
from astero_api.mail.notices import SUSPENDED_TASK, tell_suspended
from astero_api.mail.outbox import SEND_TASK
from astero_api.settings import ApiSettings
from astero_shared.db.engine import CONNECTION_OPTIONS

_KEEP_FINISHED_HOURS: Final = 72

Work = Callable[[procrastinate.JobContext], Awaitable[object]]


def create_jobs(settings: ApiSettings, database: AsyncEngine) -> procrastinate.App:
    """Those that somebody's request defers, and those that come due by themselves."""
    keyring = settings.encryption_key
    jobs = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=settings.database_url.reveal(),
            kwargs={"application_name": "astero_worker", "options": CONNECTION_OPTIONS},
        )
    )
    post = create_post(settings, database)

    @jobs.task(name=SEND_TASK, retry=Waits())
    async def send_mail(mail_id: str) -> None:
        await post.send(UUID(mail_id))

    @jobs.task(name=RESET_TASK, retry=Waits())
    async def answer_who_forgot(mail_id: str) -> None:
        await answer_forgotten(database, keyring, UUID(mail_id))

    @jobs.task(name=SUSPENDED_TASK, retry=Waits())
    async def tell_of_suspension(account_id: str) -> None:
        await tell_suspended(database, UUID(account_id))

    schedule: tuple[tuple[str, str, Work], ...] = (
        ("* * * * *", "mail.revive", lambda _: revive_stalled(jobs, (SEND_TASK, RESET_TASK))),
        ("*/5 * * * *", "audit.tell_heads", lambda _: tell_heads(database, keyring)),
        ("*/10 * * * *", "installations.purge", lambda _: purge_expired(database)),
        ("13 * * * *", "mfa.forget_unfinished", lambda _: forget_unfinished(database)),
        ("17 * * * *", "jobs.forget_finished", _forget_finished),
        ("29 * * * *", "mail.forget_old", lambda _: forget_old_mail(database)),
        ("37 * * * *", "accounts.forget_links", lambda _: forget_links(database)),
        ("43 * * * *", "sessions.forget_ended", lambda _: forget_ended(database)),
        ("53 * * * *", "webhooks.forget_old", lambda _: forget_old_deliveries(database)),
    )
    for cron, name, work in schedule:
        _run_at(jobs, cron, name, work)
    return jobs


def _run_at(jobs: procrastinate.App, cron: str, name: str, work: Work) -> None:
    """Its queueing lock keeps one waiting run, whatever the delay."""

    @jobs.periodic(cron=cron)
    @jobs.task(name=name, queueing_lock=name, pass_context=True)
    async def run(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001 - when it was due
        await work(context)


async def _forget_finished(context: procrastinate.JobContext) -> None:
    await remove_old_jobs(context, max_hours=_KEEP_FINISHED_HOURS, remove_failed=True)
