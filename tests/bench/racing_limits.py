"""A thousand racing requests against a limit of N, over four workers of the deployed api: exactly N pass."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench.databases import running_databases
from tests.support.api import ORIGIN, environment
from tests.support.api_process import running_process

_RACING = 1000
_LIMIT = 20  # registrations of an address in an hour
_WORKERS = 4


@dataclass(frozen=True)
class Figures:
    passed: int
    refused: int
    seconds: float

    @property
    def holds(self) -> bool:
        return (self.passed, self.refused) == (_LIMIT, _RACING - _LIMIT)

    def __str__(self) -> str:
        return (
            f"{_RACING} racing requests, limit {_LIMIT}, {_WORKERS} workers: {self.passed} pass,"
            f" {self.refused} are refused, in {self.seconds:.1f} s"
        )


def run() -> Figures:
    """Starts what it needs and ends it. Whoever passes the limit then fails for its body."""
    with ExitStack() as stack:
        database, redis_url = stack.enter_context(running_databases())
        env = environment(database_url=database.api, redis_url=redis_url, API_WORKERS=str(_WORKERS))
        api = stack.enter_context(running_process(env))
        threads = stack.enter_context(ThreadPoolExecutor(32))
        sent = (
            f"POST /api/auth/register HTTP/1.1\r\nHost: api\r\nConnection: close\r\nOrigin: {ORIGIN}\r\n"
            "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        ).encode()
        started = time.monotonic()
        answers = Counter(
            status for status, _, _ in threads.map(lambda _: api.send(sent, seconds=60), range(_RACING))
        )
        return Figures(answers[422], answers[429], time.monotonic() - started)


if __name__ == "__main__":
    print(run())
