"""A whole Astero over real sockets, everything it said, and waits that fail with its last words."""

import itertools
import re
import time
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import httpx
import psycopg
from support.control import People

from astero_sandbox.part import Part
from astero_sandbox.stack import Stack
from astero_sandbox.temporary import running_stack

T = TypeVar("T")

WAIT_SECONDS = 60.0
_ANSWER_SECONDS = 30.0
_POLL_SECONDS = 0.05
_TAIL = 12
_SHOWN = 2000
# Tests come from many addresses, as users do: the edge would say so with this header.
_PROXY = {"TRUSTED_PROXIES": "127.0.0.1"}
_QUIET = ("postgres", "valkey", "discord", "mail", "sentry", "webhooks")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the api as a client got it; `cookies` are the names of those it set."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: str


@dataclass
class House:
    """One running stack, shared by many tests: each brings its own bot, server and people."""

    stack: Stack
    people: People
    lines: dict[str, list[str]]
    answers: list[Answer] = field(default_factory=list[Answer])
    secrets: set[str] = field(default_factory=set[str])
    _reports: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _addresses: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_address(self) -> str:
        """Limits count by address: whoever asks is somebody else."""
        number = next(self._addresses)
        return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    def note(self, answer: httpx.Response) -> httpx.Response:
        request = answer.request
        # A cookie is where a session's secret belongs; everything else is searched at the end.
        headers = {name: value for name, value in answer.headers.items() if name != "set-cookie"}
        self.answers.append(
            Answer(request.method, request.url.path, answer.status_code, headers, answer.text)
        )
        return answer

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The database's administrator looks, or damages something on purpose."""
        url = self.stack.connections.database.admin
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)  # pyright: ignore[reportArgumentType]
            return cursor.fetchall() if cursor.description else []

    def tell_engines(self, path: str) -> None:
        """What the api posts to the engine that holds a bot; returns when that one has done it."""
        bearer = {"Authorization": f"Bearer {self.stack.credentials.bot_engine_secret}"}

        def ask(engine: Part) -> int:
            try:
                answer = httpx.post(
                    f"{engine.url}{path}", headers=bearer, trust_env=False, timeout=_ANSWER_SECONDS
                )
            except httpx.ConnectError:
                return 503  # it runs, and does not listen yet
            return answer.status_code

        def answered() -> list[int]:
            return [ask(engine) for engine in self.stack.engines if engine.pid]

        self.wait(answered, lambda statuses: any(code < 300 for code in statuses), what=f"{path} is done")

    def wait(
        self,
        look: Callable[[], T],
        wanted: Callable[[T], Any] = bool,
        *,
        what: str,
        seconds: float = WAIT_SECONDS,
        poll: float = _POLL_SECONDS,
    ) -> T:
        """The first look that is as wanted. After `seconds` the test fails with the last one and the logs."""
        deadline = time.monotonic() + seconds
        while not wanted(seen := look()):
            if time.monotonic() > deadline:
                self._give_up(what, seen)
            time.sleep(poll)
        return seen

    def comes_back(self, part: Part, before: int | None) -> None:
        """Until the supervisor has started the part again after its process `before` ended."""
        part.wait_gone(before)
        self.wait(lambda: part.pid, what=f"{part.name} is started again")
        part.wait_ready()

    def reports(self) -> list[dict[str, Any]]:
        """What the services have reported to Sentry, oldest first; what it held last once it has ended."""
        with suppress(httpx.ConnectError):
            answer = httpx.get(
                f"{self.stack.sentry_url}/sandbox/events", trust_env=False, timeout=_ANSWER_SECONDS
            )
            self._reports = answer.json()["events"]
        return self._reports

    def leaks(self) -> list[str]:
        """Where a secret stands in what was logged, reported or answered.

        As `where: its first letters…: the place`.
        """
        said = [(name, line) for name, lines in self.lines.items() for line in list(lines)]
        said += [("a report", repr(report)) for report in self.reports()]
        said += [
            (f"{one.method} {one.path}", f"{one.status} {one.headers} {one.body}") for one in self.answers
        ]
        known = re.compile("|".join(map(re.escape, sorted(self.secrets, key=len, reverse=True))))
        return [
            f"{where}: {found[0][:4]}…: {known.sub('***', text)[:_SHOWN]}"
            for where, text in said
            if (found := known.search(text))
        ]

    def _give_up(self, what: str, seen: object) -> NoReturn:
        shown = repr(seen)
        said = [f"waited in vain: {what}", f"last seen: {shown[:_SHOWN]}"]
        for name, lines in self.lines.items():
            if name not in _QUIET:
                said += [f"--- {name}", *deque(lines, maxlen=_TAIL)]
        raise AssertionError("\n".join(said))


@contextmanager
def running_house(*, engines: int = 1, discord_options: tuple[str, ...] = ()) -> Generator[House]:
    """Exactly what `just up` starts, on free ports; identifies may follow each other at once."""
    lines: defaultdict[str, list[str]] = defaultdict(list)
    with (
        running_stack(
            engines=engines,
            overrides={"api": _PROXY},
            discord_options=("--identify-window", "0.1", *discord_options),
            output=lambda name, line: lines[name].append(line),
        ) as stack,
        People(stack.discord_url) as people,
    ):
        house = House(stack, people, lines)
        credentials = stack.credentials
        house.secrets |= {
            credentials.postgres,
            *credentials.roles.values(),
            *credentials.valkey.values(),
            credentials.encryption_key.partition(":")[2],
            credentials.password_pepper.partition(":")[2],
            credentials.jwt_secret,
            credentials.bot_engine_secret,
            credentials.mail_password,
        }
        if credentials.world is not None:
            for application in (credentials.world.shared, credentials.world.branded):
                house.secrets |= {application.bot_token, application.client_secret}
        try:
            yield house
        finally:
            house.reports()
