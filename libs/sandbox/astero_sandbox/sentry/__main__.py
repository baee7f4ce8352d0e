"""`python -m astero_sandbox.sentry --port P [--host 127.0.0.1]`

Prints one line, `Sandbox Sentry: http://127.0.0.1:P`, when it accepts connections. Keeps nothing.
"""

import argparse
import asyncio
import signal
import sys

from aiohttp import web

from .app import create_app


async def _serve(host: str, port: int) -> None:
    runner = web.AppRunner(create_app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port, shutdown_timeout=1.0)
    await site.start()
    sys.stdout.write(f"Sandbox Sentry: http://{host}:{port}\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="astero_sandbox.sentry")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    asyncio.run(_serve(options.host, options.port))


if __name__ == "__main__":
    main()
