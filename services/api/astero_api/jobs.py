"""Every job of the worker and when it runs."""

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


def create_jobs(settings: ApiSettings, database: AsyncEngine) -> procrastinate.App:
    """Every job and when it runs. A queueing lock keeps one waiting run of each, whatever the delay."""
    jobs = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=settings.database_url.reveal(),
            kwargs={"application_name": "astero_worker", "options": CONNECTION_OPTIONS},
        )
    )

    @jobs.periodic(cron="*/10 * * * *")
    @jobs.task(name="installations.purge", queueing_lock="installations.purge", pass_context=False)
    async def purge_removed_servers(timestamp: int) -> None:  # noqa: ARG001 - when it was due
        await purge_expired(database)

    @jobs.periodic(cron="*/5 * * * *")
    @jobs.task(name="audit.tell_heads", queueing_lock="audit.tell_heads", pass_context=False)
    async def tell_audit_heads(timestamp: int) -> None:  # noqa: ARG001 - when it was due
        await tell_heads(database, settings.encryption_key)

    @jobs.periodic(cron="43 * * * *")
    @jobs.task(name="sessions.forget_ended", queueing_lock="sessions.forget_ended", pass_context=False)
    async def forget_ended_sessions(timestamp: int) -> None:  # noqa: ARG001 - when it was due
        await forget_ended(database)

    _add_letters(jobs, settings, database)

    @jobs.periodic(cron="53 * * * *")
    @jobs.task(name="webhooks.forget_old", queueing_lock="webhooks.forget_old", pass_context=False)
    async def forget_webhook_log(timestamp: int) -> None:  # noqa: ARG001 - when it was due
        await forget_old_deliveries(database)

    @jobs.periodic(cron="13 * * * *")
    @jobs.task(name="mfa.forget_unfinished", queueing_lock="mfa.forget_unfinished", pass_context=False)
    async def forget_unfinished_logins(timestamp: int) -> None:  # noqa: ARG001 - when it was due
        await forget_unfinished(database)

    @jobs.periodic(cron="17 * * * *")
    @jobs.task(name="jobs.forget_finished", queueing_lock="jobs.forget_finished", pass_context=True)
    async def forget_finished(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
        await remove_old_jobs(context, max_hours=_KEEP_FINISHED_HOURS, remove_failed=True)

    return jobs


def _add_letters(jobs: procrastinate.App, settings: ApiSettings, database: AsyncEngine) -> None:
    """What is written to people, and the links in it."""
    post = create_post(settings, database)

    @jobs.task(name=SEND_TASK, retry=Waits(), pass_context=False)
    async def send_mail(mail_id: str) -> None:
        await post.send(UUID(mail_id))

    @jobs.periodic(cron="* * * * *")
    @jobs.task(name="mail.revive", queueing_lock="mail.revive", pass_context=False)
    async def revive_mail(timestamp: int) -> None:  # noqa: ARG001 - when it was due
        await revive_stalled(jobs, (SEND_TASK, RESET_TASK))

    @jobs.task(name=RESET_TASK, retry=Waits(), pass_context=False)
    async def answer_who_forgot(mail_id: str) -> None:
        await answer_forgotten(database, settings.encryption_key, UUID(mail_id))

    @jobs.periodic(cron="37 * * * *")
    @jobs.task(name="accounts.forget_links", queueing_lock="accounts.forget_links", pass_context=False)
    async def forget_account_links(timestamp: int) -> None:  # noqa: ARG001 - when it was due
        await forget_links(database)

    @jobs.task(name=SUSPENDED_TASK, retry=Waits(), pass_context=False)
    async def tell_of_suspension(account_id: str) -> None:
        await tell_suspended(database, UUID(account_id))

    @jobs.periodic(cron="29 * * * *")
    @jobs.task(name="mail.forget_old", queueing_lock="mail.forget_old", pass_context=False)
    async def forget_mail(timestamp: int) -> None:  # noqa: ARG001 - when it was due
        await forget_old_mail(database)
