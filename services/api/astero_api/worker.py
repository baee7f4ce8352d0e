"""`python -m astero_api.worker`: jobs and schedules, kept in PostgreSQL so that no process loses one."""

import asyncio
from typing import Final

from loguru import logger

from astero_api.features.installations.jobs import purge_expired
from astero_api.features.webhooks.jobs import running_courier
from astero_api.jobs import create_jobs
from astero_api.mail.outbox import seal_with
from astero_api.settings import ApiSettings
from astero_shared.db.engine import create_engine, reach_database
from astero_shared.observability import logs
from astero_shared.observability.sentry import reporting
from astero_shared.settings import ConfigurationError, exit_misconfigured, load_or_exit

_CONCURRENCY: Final = 4
# one for each job, and as many for what the courier of webhooks takes and writes down
_CONNECTIONS: Final = 2 * _CONCURRENCY


async def run_worker(settings: ApiSettings) -> None:
    """Until SIGTERM or SIGINT: what is running is finished first. Raises ConfigurationError."""
    database = create_engine(settings.database_url, application="astero_worker", pool_size=_CONNECTIONS)
    seal_with(database, settings.encryption_key)
    try:
        await reach_database(database)
        # what came due while no worker ran does not wait for the next ten minutes
        await purge_expired(database)
        jobs = create_jobs(settings, database)
        async with (
            reporting(settings.sentry_dsn, service="worker"),
            jobs.open_async(),
            running_courier(settings, database),
        ):
            logger.info("worker started")
            await jobs.run_worker_async(concurrency=_CONCURRENCY, shutdown_graceful_timeout=10)
        logger.info("worker stopped")
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
