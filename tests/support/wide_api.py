"""The api with limits that nobody reaches and hashes that cost little, on the port of API_PORT.

Run as a program: what asks thousands of questions has to be answered thousands of times. With LIMIT_FACTOR 1
the limits are the real ones.
"""

import os
from typing import Any

from granian.constants import Interfaces, Loops
from granian.server import Server

from astero_api.app import create_app
from astero_api.settings import ApiSettings
from astero_api.web.limits import Tiers
from astero_shared.observability import logs
from astero_shared.observability.interception import GRANIAN_LOGGING
from astero_shared.settings import load

_FACTOR = 1_000_000
_CHEAP = 4


def application() -> Any:
    """Called in the worker process that Granian starts."""
    settings = load(ApiSettings)
    logs.configure(
        service="api", level=os.environ.get("LOG_LEVEL", "INFO"), secrets=logs.secrets_of(settings)
    )
    return create_app(
        settings, tiers=Tiers(factor=int(os.environ.get("LIMIT_FACTOR", _FACTOR))), bcrypt_cost=_CHEAP
    )


if __name__ == "__main__":
    Server(
        f"{__file__}:application",
        factory=True,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        address="127.0.0.1",
        port=int(os.environ["API_PORT"]),
        websockets=False,
        log_dictconfig=GRANIAN_LOGGING,
        log_access=False,
        workers_kill_timeout=10,
    ).serve()
