"""`python -m astero_sandbox.discord --port P [--host 127.0.0.1] [--state FILE]`

Prints one line, `Sandbox Discord: http://127.0.0.1:P`, when it accepts connections; `--port 0` takes
a free port. SIGTERM and SIGINT save the state and end it.

    base=http://127.0.0.1:P
    curl -d '{"name":"Astero"}'                 $base/sandbox/applications    -> applicationId, botToken
    curl -d '{"username":"nova"}'               $base/sandbox/users           -> userId
    curl -d '{"name":"Home","ownerId":"…"}'     $base/sandbox/guilds          -> guildId, channels
    curl -d '{"applicationId":"…"}'             $base/sandbox/guilds/G/members
    curl -d '{"userId":"…","content":"hello"}'  $base/sandbox/channels/C/messages

A client sets its API to `$base/api/v10`; the gateway's address is the answer of `GET /gateway/bot`.
discord.py: `discord.http.Route.BASE = f"{base}/api/v10"` and
`discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL("ws://127.0.0.1:P/")`.
`$base/` in a browser is a page on which to talk to the bots.
"""

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
from pathlib import Path

import uvloop
from aiohttp import web

from .app import create_app
from .persistence import StateUnreadableError, keep_saved, load
from .sandbox import Sandbox
from .settings import Settings
from .world import World

# EX_CONFIG, as every Astero process answers it.
_BAD_CONFIGURATION = 78
_SHUTDOWN_SECONDS = 1.0
_TIDY_SECONDS = 30.0


def main() -> None:
    options = _parse(sys.argv[1:])
    try:
        listener = _listen(options.host, options.port)
        world = World(load(options.state) if options.state else None)
    except (OSError, StateUnreadableError) as error:
        sys.stderr.write(f"Sandbox Discord: {error}\n")
        raise SystemExit(_BAD_CONFIGURATION) from None
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(options, listener, world))


async def _serve(options: argparse.Namespace, listener: socket.socket, world: World) -> None:
    settings = Settings(
        host=options.host,
        port=listener.getsockname()[1],
        heartbeat_ms=options.heartbeat_ms,
        identify_window=options.identify_window,
        enforce_limits=not options.no_rate_limits,
    )
    sandbox = Sandbox(settings=settings, world=world)
    runner = web.AppRunner(create_app(sandbox), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener, shutdown_timeout=_SHUTDOWN_SECONDS).start()
    sys.stdout.write(f"Sandbox Discord: {settings.http_url}\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        group.create_task(_keep_sessions_tidy(sandbox, stop))
        if options.state:
            group.create_task(keep_saved(world, options.state, stop))
        await stop.wait()
        for connection in list(sandbox.hub.connections):
            connection.cut()
        await runner.cleanup()


async def _keep_sessions_tidy(sandbox: Sandbox, stop: asyncio.Event) -> None:
    """Sessions nobody came back for hold their events until somebody looks."""
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TIDY_SECONDS):
                await stop.wait()
        sandbox.hub.drop_expired()


def _listen(host: str, port: int) -> socket.socket:
    """Bound before anything else, so that the port is known and a taken one fails at once."""
    return socket.create_server((host, port), backlog=512)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m astero_sandbox.discord", description="A Discord on localhost."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--state", type=Path, help="keep everything in this file")
    parser.add_argument("--heartbeat-ms", type=int, default=41_250, help="heartbeat_interval told in HELLO")
    parser.add_argument(
        "--identify-window",
        type=float,
        default=5.0,
        help="seconds between two identifies of one application",
    )
    parser.add_argument("--no-rate-limits", action="store_true", help="keep the headers, never answer 429")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
