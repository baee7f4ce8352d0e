"""`python -m astero_api`: the web process. Granian starts the workers; each builds its own application."""

from typing import Any

from granian.constants import Interfaces, Loops
from granian.server import Server

from astero_api.app import create_app
from astero_api.settings import ApiSettings
from astero_shared.observability import logs
from astero_shared.observability.interception import GRANIAN_LOGGING
from astero_shared.settings import load_or_exit


def application() -> Any:
    """Called once in each worker process."""
    settings = load_or_exit(ApiSettings)
    logs.configure(service="api", secrets=logs.secrets_of(settings))
    return create_app(settings)


def main() -> None:
    settings = load_or_exit(ApiSettings)
    logs.configure(service="api", secrets=logs.secrets_of(settings))
    server = Server(
        "astero_api.__main__:application",
        factory=True,
        interface=Interfaces.ASGI,
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
