"""`python -m astero_api`: the web process. Granian starts the workers; each builds its own application."""

import asyncio
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.server import Server

from astero_api.app import create_app
from astero_api.settings import ApiSettings
from astero_shared.db.engine import create_engine, reach_database
from astero_shared.observability import logs
from astero_shared.observability.interception import GRANIAN_LOGGING
from astero_shared.settings import ConfigurationError, exit_misconfigured, load_or_exit


def application() -> Any:
    """Called once in each worker process."""
    settings = load_or_exit(ApiSettings)
    logs.configure(service="api", secrets=logs.secrets_of(settings))
    return create_app(settings)


async def _check_rights(settings: ApiSettings) -> None:
    database = create_engine(settings.database_url, application="astero_api", pool_size=1)
    try:
        await reach_database(database)
    finally:
        await database.dispose()


def main() -> None:
    settings = load_or_exit(ApiSettings)
    logs.configure(service="api", secrets=logs.secrets_of(settings))
    try:
        asyncio.run(_check_rights(settings))
    except ConfigurationError as error:
        exit_misconfigured(error)
    server = Server(
        "astero_api.__main__:application",
        factory=True,
        interface=Interfaces.ASGI,
        # what stands before it speaks HTTP/1.1; HTTP/2 in the clear would be a second parser to attack
        http=HTTPModes.http1,
        loop=Loops.uvloop,
        address=settings.api_host,
        port=settings.api_port,
        workers=settings.api_workers,
        websockets=False,
        log_dictconfig=GRANIAN_LOGGING,
        log_access=False,
        respawn_failed_workers=True,
        # a worker that does not end by itself within this many seconds of a stop is killed
        workers_kill_timeout=10,
    )
    server.serve()


if __name__ == "__main__":
    main()
