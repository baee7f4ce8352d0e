"""`python -m astero_sandbox.mail --port P --smtp-port S --certificate FILE [--starttls-port T]`

SMTP with TLS on S (and with STARTTLS on T), as user `astero` with the password in
ASTERO_SANDBOX_MAIL_PASSWORD; the inbox page and the control API on P. Prints one line when all of them accept
connections; port 0 takes a free one. SIGTERM and SIGINT end it, and the inbox with it.
"""

import argparse
import asyncio
import os
import signal
import ssl
import sys
from pathlib import Path
from typing import NoReturn

from aiohttp import web
from aiosmtpd.smtp import log

from .app import create_app
from .smtp import Post, conversation, server_tls

# EX_CONFIG, as every Astero process answers it.
_BAD_CONFIGURATION = 78
_SHUTDOWN_SECONDS = 1.0
_PASSWORD = "ASTERO_SANDBOX_MAIL_PASSWORD"  # noqa: S105 - the name of a variable


def main() -> None:
    options = _parse(sys.argv[1:])
    # what it says of each connection is what its faults are for
    log.setLevel("CRITICAL")
    password = os.environ.get(_PASSWORD, "")
    if not password:
        _refuse(f"{_PASSWORD} is required")
    try:
        tls = server_tls(options.certificate)
        asyncio.run(_serve(options, Post(password=password), tls))
    except OSError as error:
        _refuse(str(error))


async def _serve(options: argparse.Namespace, post: Post, tls: ssl.SSLContext) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    encrypted = await loop.create_server(lambda: conversation(post), options.host, options.smtp_port, ssl=tls)
    servers = [encrypted]
    if options.starttls_port is not None:
        servers.append(
            await loop.create_server(
                lambda: conversation(post, starttls=tls), options.host, options.starttls_port
            )
        )
    runner = web.AppRunner(create_app(post), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, options.host, options.port, shutdown_timeout=_SHUTDOWN_SECONDS).start()
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    page = runner.addresses[0][1]
    sys.stdout.write(f"Sandbox mail: http://{options.host}:{page} smtp {' '.join(map(str, ports))}\n")
    sys.stdout.flush()
    await stop.wait()
    for server in servers:
        server.close()
    await runner.cleanup()


def _refuse(why: str) -> NoReturn:
    sys.stderr.write(f"Sandbox mail: {why}\n")
    raise SystemExit(_BAD_CONFIGURATION)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m astero_sandbox.mail", allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="of the inbox page and the control API")
    parser.add_argument("--smtp-port", type=int, required=True, help="TLS from the first byte")
    parser.add_argument("--starttls-port", type=int, default=None)
    parser.add_argument("--certificate", type=Path, required=True, help="certificate and key, PEM")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
