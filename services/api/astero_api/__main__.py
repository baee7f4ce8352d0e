"""`python -m astero_api`: the web process. Granian starts the workers; each builds its own application."""

import asyncio
import errno
import multiprocessing
import os
import resource
import signal
import socket
import time
from threading import Thread
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces, Loops
from granian.server import Server

from astero_api.app import create_app
from astero_api.settings import ApiSettings
from astero_shared.db.engine import create_engine, reach_database
from astero_shared.observability import logs
from astero_shared.observability.interception import GRANIAN_LOGGING
from astero_shared.settings import ConfigurationError, exit_misconfigured, load_or_exit

_OPEN_FILES: Final = 16_384
_ENDING_SECONDS: Final = 10


def application() -> Any:
    """Called once in each worker process."""
    Thread(target=_end_with_main_process, daemon=True).start()
    settings = load_or_exit(ApiSettings)
    logs.configure(service="api", secrets=logs.secrets_of(settings))
    return create_app(settings)


def _end_with_main_process() -> None:
    """A main process that is killed stops no worker, and they would go on beside their successors."""
    main = multiprocessing.parent_process()
    while main is None or os.getppid() == main.pid:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    # who is only starting still has the handler of the main process, which waits for others
    time.sleep(_ENDING_SECONDS)
    os._exit(1)


def _wait_for_port(settings: ApiSettings) -> None:
    """Workers share their port, and so would two services: every other request would go to a stranger.

    Waits a little longer than the workers of a predecessor may take to end.
    """
    deadline = time.monotonic() + 1.5 * _ENDING_SECONDS
    family = socket.AF_INET6 if ":" in settings.api_host else socket.AF_INET
    while True:
        try:
            socket.create_server((settings.api_host, settings.api_port), family=family).close()
        except OSError as error:
            code = error.errno or 0
            if code != errno.EADDRINUSE or time.monotonic() > deadline:
                at_fault = "API_PORT" if code in {errno.EADDRINUSE, errno.EACCES} else "API_HOST"
                raise ConfigurationError(at_fault, f"cannot be bound: {os.strerror(code)}") from None
        else:
            return
        time.sleep(0.1)


async def _check_rights(settings: ApiSettings) -> None:
    database = create_engine(settings.database_url, application="astero_api", pool_size=1)
    try:
        await reach_database(database)
    finally:
        await database.dispose()


def _raise_open_files() -> int:
    """How many this process and its workers may have open; what starts services often leaves it at 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return wanted


def main() -> None:
    settings = load_or_exit(ApiSettings)
    logs.configure(service="api", secrets=logs.secrets_of(settings))
    try:
        _wait_for_port(settings)
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
        # Granian's own number is 1024 over all workers: so many that send nothing would shut everybody out
        backpressure=_raise_open_files() // 2,
        websockets=False,
        log_dictconfig=GRANIAN_LOGGING,
        log_access=False,
        respawn_failed_workers=True,
        # a worker that does not end by itself within this time of a stop is killed
        workers_kill_timeout=_ENDING_SECONDS,
    )
    server.serve()


if __name__ == "__main__":
    main()
