"""The two servers that tests/bench/api_ratio.py compares; Granian imports this in a process of its own."""

import os
import sys
from collections.abc import Callable
from typing import Any

import msgspec
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server
from psycopg_pool import AsyncConnectionPool

from astero_api.app import create_app
from astero_api.settings import ApiSettings
from astero_api.web.limits import Tiers
from astero_shared.clock import utc_now
from astero_shared.features.modules.reading import MODULE_CONFIG
from astero_shared.features.sessions.standing import STANDING_WITH_BOT
from astero_shared.settings import load

# The limits are counted as always, and never reached.
_HEADROOM = 1_000_000


def full() -> Any:
    """The api as it is."""
    return create_app(load(ApiSettings), tiers=Tiers(factor=_HEADROOM))


def floor() -> Callable[..., Any]:
    """The same two statements with the same values, and the same bytes, with nothing in between."""
    body = os.environ["BENCH_BODY"].encode()
    values = msgspec.json.decode(os.environ["BENCH_VALUES"], type=dict[str, Any])
    standing, config = values["standing"], values["config"]
    pool = AsyncConnectionPool(
        os.environ["DATABASE_URL"], min_size=1, max_size=12, open=False, kwargs={"autocommit": True}
    )
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await pool.open(wait=True)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await pool.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        async with pool.connection() as connection, connection.cursor(binary=True) as cursor:
            assert await STANDING_WITH_BOT.find(cursor, **standing, now=utc_now()) is not None
            assert await MODULE_CONFIG.find(cursor, **config) is not None
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


def main() -> None:
    """`python -m tests.bench.api_servers full|floor PORT`."""
    factory, port = sys.argv[1:]
    Server(
        f"tests.bench.api_servers:{factory}",
        factory=True,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        port=int(port),
        websockets=False,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
