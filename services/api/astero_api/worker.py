"""`python -m astero_api.worker`: jobs and schedules, kept in PostgreSQL so that no process loses one."""

import asyncio
from typing import Final

import procrastinate
from procrastinate.builtin_tasks import remove_old_jobs
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_api.features.installations.jobs import purge_expired
from astero_api.settings import ApiSettings
from astero_shared.db.engine import CONNECTION_OPTIONS, create_engine, reach_database
from astero_shared.observability import logs
from astero_shared.settings import ConfigurationError, exit_misconfigured, load_or_exit

_CONCURRENCY: Final = 4
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

    @jobs.periodic(cron="17 * * * *")
    @jobs.task(name="jobs.forget_finished", queueing_lock="jobs.forget_finished", pass_context=True)
    async def forget_finished(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
        await remove_old_jobs(context, max_hours=_KEEP_FINISHED_HOURS, remove_failed=True)

    return jobs


async def run_worker(settings: ApiSettings) -> None:
    """Until SIGTERM or SIGINT: what is running is finished first. Raises ConfigurationError."""
    database = create_engine(settings.database_url, application="astero_worker", pool_size=_CONCURRENCY)
    try:
        await reach_database(database)
        # what came due while no worker ran does not wait for the next ten minutes
        await purge_expired(database)
        jobs = create_jobs(settings, database)
        async with jobs.open_async():
            await jobs.run_worker_async(concurrency=_CONCURRENCY, shutdown_graceful_timeout=10)
    finally:
        await database.dispose()


def main() -> None:
    settings = load_or_exit(ApiSettings)
    logs.configure(service="worker", secrets=logs.secrets_of(settings))
    try:
        asyncio.run(run_worker(settings))
    except ConfigurationError as error:
        exit_misconfigured(error)


if __name__ == "__main__":
    main()
