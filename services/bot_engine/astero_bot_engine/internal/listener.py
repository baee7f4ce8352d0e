"""The private listener, served in the engine's own event loop: a nudge from the api reaches the bots at once.

Granian's embedded server handles unix sockets and ends cleanly; it calls itself experimental, so nothing
but start and stop is asked of it.
"""

import asyncio
import socket
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar.types import ASGIApp

from astero_bot_engine.settings import PrivateAddress
from astero_shared.observability.interception import GRANIAN_LOGGING
from astero_shared.settings import ConfigurationError


@asynccontextmanager
async def listening(app: ASGIApp, address: PrivateAddress) -> AsyncGenerator[asyncio.Task[None]]:
    """Serve `app` while the block runs; yields the serving task, which ends only when serving failed.

    Raises ConfigurationError when the address cannot be bound.
    """
    if address.socket is not None:
        _remove_stale(address.socket)
    else:
        _refuse_taken(address)
    server = Server(
        app,
        address=address.host,
        port=address.port,
        uds=address.socket,
        interface=Interfaces.ASGINL,
        websockets=False,
        log_dictconfig=GRANIAN_LOGGING,
    )
    serving = asyncio.create_task(server.serve())
    # The socket is bound in the task's first step, so a taken address shows at once.
    await asyncio.sleep(0)
    if serving.done() and (error := serving.exception()) is not None:
        # Granian appends a native stack trace to the reason.
        reason = str(error).partition("\n")[0]
        raise ConfigurationError("ENGINE_BIND", f"cannot be bound: {reason}") from None
    try:
        yield serving
    finally:
        server.stop()
        with suppress(Exception):
            await serving


def _refuse_taken(address: PrivateAddress) -> None:
    """Granian would share the port with another engine, and each nudge would reach either of the two."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        socket.create_server((address.host, address.port), family=family).close()
    except OSError as error:
        raise ConfigurationError("ENGINE_BIND", f"cannot be bound: {error.strerror}") from None


def _remove_stale(path: Path) -> None:
    """A killed engine leaves its socket behind, and bind refuses a path that exists."""
    try:
        is_socket = stat.S_ISSOCK(path.stat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise ConfigurationError("ENGINE_BIND", "names a file that is not a socket")
    path.unlink()
