"""GET …/modules/automod, authenticated, through everything the api does, against its bare floor.

The floor is one ASGI function on the same Granian that runs the same two statements and answers the same
bytes. Both are measured in turns in the same run, so that a busy machine troubles both.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from astero_sandbox.ports import free_port
from tests.bench.databases import running_databases
from tests.support.api import ORIGIN, PASSWORD, environment
from tests.support.hosting import GUILD, insert_bot, insert_installation
from tests.support.stack import Database

WANTED = 0.4
_ROOT = Path(__file__).parents[2]
_ROUNDS = 5
_SECONDS = 3.0
_CONNECTIONS = 32


@dataclass(frozen=True)
class Figures:
    """Requests per second of both, and the median of the rounds' ratios."""

    api: float
    floor: float
    ratio: float
    p99_ms: float

    @property
    def holds(self) -> bool:
        return self.ratio >= WANTED

    def __str__(self) -> str:
        return (
            f"GET modules/automod: {self.api:,.0f} req/s, bare floor {self.floor:,.0f} req/s,"
            f" ratio {self.ratio:.2f} (at least {WANTED}), p99 {self.p99_ms:.1f} ms"
        )


def run() -> Figures:
    """Starts what it needs and ends it. Raises RuntimeError when a request fails."""
    with ExitStack() as stack:
        database, redis_url = stack.enter_context(running_databases())
        env = environment(database_url=database.api, redis_url=redis_url)
        api_port = stack.enter_context(serving("full", env))
        path, cookie, values = _prepare(database, api_port)
        api = _request(path, cookie)
        body = httpx.get(f"http://127.0.0.1:{api_port}{path}", headers={"Cookie": cookie})
        body.raise_for_status()
        bare = env | {"BENCH_BODY": body.text, "BENCH_VALUES": json.dumps(values)}
        floor_port = stack.enter_context(serving("floor", bare))
        rounds = [(_load(api_port, api), _load(floor_port, api)) for _ in range(_ROUNDS)]
    return Figures(
        api=statistics.median(one["requests_per_second"] for one, _ in rounds),
        floor=statistics.median(other["requests_per_second"] for _, other in rounds),
        ratio=statistics.median(
            one["requests_per_second"] / other["requests_per_second"] for one, other in rounds
        ),
        p99_ms=statistics.median(one["p99_ms"] for one, _ in rounds),
    )


@contextmanager
def serving(factory: str, env: dict[str, str]) -> Generator[int]:
    """A Granian of one worker, as `python -m astero_api` starts it; its port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.api_servers", factory, str(port)]
    surroundings = {"PATH": os.environ["PATH"], **env}
    with subprocess.Popen(command, env=surroundings, cwd=_ROOT) as process:  # noqa: S603 - ourselves
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/api/health/live")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start")


def sign_in(port: int) -> tuple[str, str]:
    """(cookie, user id) of a new account."""
    base = f"http://127.0.0.1:{port}"
    account = {"email": "bench@example.com", "password": PASSWORD}
    page = {"Origin": ORIGIN}
    httpx.post(f"{base}/api/auth/register", json=account, headers=page, timeout=30).raise_for_status()
    login = httpx.post(f"{base}/api/auth/login", json=account, headers=page, timeout=30).raise_for_status()
    cookies = dict(value.split(";")[0].split("=", 1) for value in login.headers.get_list("set-cookie"))
    return f"__Host-astero_at={cookies['__Host-astero_at']}", login.json()["id"]


def _prepare(database: Database, port: int) -> tuple[str, str, dict[str, Any]]:
    """(path, cookie, values of the two statements) of a user with a bot in a configured server."""
    cookie, user_id = sign_in(port)
    bot_id = insert_bot(database.admin, user_id)
    insert_installation(database.admin, bot_id)
    path = f"/api/bots/{bot_id}/guilds/{GUILD}/modules/automod"
    words = {"words": {"enabled": True, "words": [f"word{number}" for number in range(20)]}}
    headers = {"Origin": ORIGIN, "Cookie": cookie}
    httpx.patch(f"http://127.0.0.1:{port}{path}", json=words, headers=headers).raise_for_status()
    with psycopg.connect(database.admin) as connection:
        row = connection.execute("SELECT id FROM sessions").fetchone()
    assert row is not None
    return (
        path,
        cookie,
        {
            "standing": {
                "session_id": str(row[0]),
                "user_id": user_id,
                "token_version": 1,
                "bot_id": str(bot_id),
            },
            "config": {"bot_id": str(bot_id), "guild_id": GUILD, "module": "automod"},
        },
    )


def _request(path: str, cookie: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\nAccept: */*\r\n\r\n"


def _load(port: int, request: str) -> dict[str, float]:
    order = {"port": port, "request": request, "seconds": _SECONDS, "connections": _CONNECTIONS}
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.http_load"],
        input=json.dumps(order).encode(),
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        check=True,
        timeout=_SECONDS + 20,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    if figures["failures"]:
        raise RuntimeError(f"{figures['failures']:.0f} requests failed")
    return figures


if __name__ == "__main__":
    print(run())
