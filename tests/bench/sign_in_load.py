"""GET /api/auth/me while forty people log in at once, against the same in quiet, in turns in the same run.

Passwords are hashed at cost 14, as deployed. The logins come from forty addresses to forty accounts, so that
no limit refuses one; those for whom nobody has time are told 503. Requests are sent at an even pace and timed
from when they were due: a load that fills the machine by itself would measure itself.
"""

import asyncio
import json
import statistics
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context

import uvloop

from tests.bench.api_ratio import serving, sign_in
from tests.bench.databases import running_databases
from tests.support.api import ORIGIN, environment

WANTED = 2.0
_ROUNDS = 5
_SECONDS = 6.0  # the last of a burst is answered after five
_PER_SECOND = 100
_CONNECTIONS = 4
_LOGINS = 40


@dataclass(frozen=True)
class Figures:
    """Medians over the rounds, in milliseconds; `logins` counts the answers by status."""

    quiet_ms: float
    busy_ms: float
    ratio: float
    logins: Counter[int]

    @property
    def holds(self) -> bool:
        return self.ratio <= WANTED and self.logins.keys() <= {401, 503} and self.logins[503] > 0

    def __str__(self) -> str:
        answered = ", ".join(f"{count} x {status}" for status, count in sorted(self.logins.items()))
        return (
            f"GET auth/me, p99: {self.quiet_ms:.1f} ms in quiet, {self.busy_ms:.1f} ms while {_LOGINS} log"
            f" in, ratio {self.ratio:.2f} (at most {WANTED}); logins of {_ROUNDS} rounds: {answered}"
        )


def run() -> Figures:
    """Starts what it needs and ends it. Raises RuntimeError when a request fails."""
    with ExitStack() as stack:
        database, redis_url = stack.enter_context(running_databases())
        env = environment(database_url=database.api, redis_url=redis_url, TRUSTED_PROXIES="127.0.0.1")
        port = stack.enter_context(serving("full", env))
        cookie, _ = sign_in(port)
        # people of their own: forty connections opened here would hold up the clock of the measurement
        spawned = get_context("spawn")
        people = stack.enter_context(ProcessPoolExecutor(1, mp_context=spawned))
        people.submit(int).result()
        return uvloop.run(_rounds(port, cookie, people))


async def _rounds(port: int, cookie: str, people: ProcessPoolExecutor) -> Figures:
    quiet: list[float] = []
    busy: list[float] = []
    logins: Counter[int] = Counter()
    await _p99(port, cookie, seconds=1.0)
    for number in range(_ROUNDS):
        quiet.append(await _p99(port, cookie, seconds=_SECONDS))
        answers = asyncio.wrap_future(people.submit(log_in_together, port, number * _LOGINS))
        busy.append(await _p99(port, cookie, seconds=_SECONDS))
        logins.update(await answers)
    return Figures(
        quiet_ms=statistics.median(quiet),
        busy_ms=statistics.median(busy),
        ratio=statistics.median(after / before for before, after in zip(quiet, busy, strict=True)),
        logins=logins,
    )


async def _p99(port: int, cookie: str, *, seconds: float) -> float:
    """In milliseconds, from when each request was due."""
    request = f"GET /api/auth/me HTTP/1.1\r\nHost: bench\r\nCookie: {cookie}\r\n\r\n".encode()
    started = time.perf_counter()
    timed = await asyncio.gather(
        *(_paced(port, request, started, lane, seconds) for lane in range(_CONNECTIONS))
    )
    latencies = sorted(latency for lane in timed for latency in lane)
    return latencies[int(len(latencies) * 0.99)] * 1000


async def _paced(port: int, request: bytes, started: float, lane: int, seconds: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    latencies: list[float] = []
    for number in range(int(seconds * _PER_SECOND / _CONNECTIONS)):
        due = started + (number * _CONNECTIONS + lane) / _PER_SECOND
        await asyncio.sleep(due - time.perf_counter())
        writer.write(request)
        if await _status(reader) != 200:
            raise RuntimeError("a request failed")
        latencies.append(time.perf_counter() - due)
    writer.close()
    return latencies


def log_in_together(port: int, first: int) -> list[int]:
    """The statuses that forty people are answered with, who arrive at once."""

    async def together() -> list[int]:
        return await asyncio.gather(*(_log_in(port, first + each) for each in range(_LOGINS)))

    return uvloop.run(together())


async def _log_in(port: int, number: int) -> int:
    """The status that one person's attempt is answered with."""
    body = json.dumps({"email": f"person{number}@example.com", "password": "wrong and long"}).encode()
    head = (
        f"POST /api/auth/login HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nOrigin: {ORIGIN}\r\n"
        f"CF-Connecting-IP: 203.0.{113 + number // 250}.{number % 250}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + body)
    status = await _status(reader)
    writer.close()
    return status


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    _, _, length = head.lower().partition(b"content-length: ")
    await reader.readexactly(int(length.split(b"\r\n", 1)[0]))
    return int(head.split(b" ", 2)[1])


if __name__ == "__main__":
    print(run())
