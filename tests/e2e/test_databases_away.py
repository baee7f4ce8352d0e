"""PostgreSQL or Valkey goes away under traffic: 503 problems meanwhile, then everything as before."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx
import pytest
from support.hosted import HostedBot
from support.house import House
from support.owner import Owner
from support.server import Server

from astero_sandbox.part import Part

pytestmark = pytest.mark.timeout(400)

BAD = "rumpelstilz"
_PAUSE_SECONDS = 0.05


@dataclass
class Traffic:
    """What people at their dashboards got, in order; `marks` are the moments a test is interested in."""

    answers: list[httpx.Response] = field(default_factory=list[httpx.Response])
    broken: list[str] = field(default_factory=list[str])
    stop: threading.Event = field(default_factory=threading.Event)

    def unexpected(self) -> list[str]:
        """Everything that is neither an ordinary answer nor a 503 problem with code and request id."""
        found = list(self.broken)
        for answer in self.answers:
            if answer.is_success:
                continue
            is_problem = answer.headers.get("content-type") == "application/problem+json"
            body = answer.json() if is_problem else {}
            if answer.status_code != 503 or not body.get("code") or not body.get("requestId"):
                request = answer.request
                found.append(f"{request.method} {request.url.path}: {answer.status_code} {answer.text[:300]}")
        return found

    def count(self, status: HTTPStatus) -> int:
        return sum(answer.status_code == status for answer in self.answers)


@contextmanager
def traffic(bot: HostedBot, server: Server) -> Iterator[Traffic]:
    seen = Traffic()
    owner, path = bot.owner, bot.guild_path(server)
    number = 0

    def change() -> httpx.Response:
        nonlocal number
        number += 1
        return owner.send("PATCH", f"{path}/modules/automod", {"caps": {"percent": 10 + number % 80}})

    reads = ("/api/bots", f"{path}/modules/automod", f"{path}/cases", f"{bot.path}/guilds", "/api/auth/me")

    def read() -> httpx.Response:
        return owner.send("GET", reads[len(seen.answers) % len(reads)])

    def keep(ask: Callable[[], httpx.Response], pause: float) -> None:
        while not seen.stop.wait(pause):
            try:
                seen.answers.append(ask())
            except httpx.HTTPError as error:
                seen.broken.append(f"{type(error).__name__}: {error}")

    threads = [
        threading.Thread(target=keep, args=(read, 2 * _PAUSE_SECONDS)),
        threading.Thread(target=keep, args=(change, 1.0)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        seen.stop.set()
        for thread in threads:
            thread.join()


def away(house: House, part: Part, seen: Traffic, *, enough: Callable[[], bool]) -> None:
    """Down until the traffic has met it, then up again."""
    part.stop()
    try:
        house.wait(enough, what=f"the traffic meets the missing {part.name}")
    finally:
        part.start()
        part.wait_ready()


def test_postgresql_is_stopped_and_started(bot: HostedBot, server: Server) -> None:
    house = bot.house
    member = server.join("nova")
    bot.change(server, words={"enabled": True, "words": [BAD]})
    with traffic(bot, server) as seen:
        house.wait(lambda: len(seen.answers), lambda count: count > 5, what="traffic flows")
        assert not seen.unexpected()
        missed: list[str] = []

        def met() -> bool:
            if not missed:
                missed.append(server.say(member, BAD))
            return seen.count(HTTPStatus.SERVICE_UNAVAILABLE) > 10

        away(house, house.stack.postgres, seen, enough=met)
        good = seen.count(HTTPStatus.OK)
        house.wait(lambda: seen.count(HTTPStatus.OK), lambda now: now > good + 20, what="all is as before")
    assert seen.unexpected() == []
    assert [answer.status_code for answer in seen.answers[-5:]] == [200] * 5
    server.wait_gone(*missed)
    server.wait_gone(server.say(member, BAD))
    assert bot.wait_case(server, 2)["state"] == "done"
    assert [case["number"] for case in bot.cases(server)] == [2, 1]
    bot.wait_state("online")


def test_valkey_is_stopped_and_started(house: House, bot: HostedBot, server: Server) -> None:
    member = server.join("nova")
    bot.change(server, words={"enabled": True, "words": [BAD]})
    visitor = Owner(house)
    visitor.register()
    with traffic(bot, server) as seen:
        house.wait(lambda: len(seen.answers), lambda count: count > 5, what="traffic flows")
        refused: list[httpx.Response] = []

        def met() -> bool:
            login = {"email": visitor.email, "password": visitor.password}
            refused.append(visitor.send("POST", "/api/auth/login", login))
            # Without it nobody can be counted, so nobody may guess passwords; who is signed in works on.
            return len(refused) > 3 and {one.status_code for one in refused[-3:]} == {503}

        away(house, house.stack.valkey, seen, enough=met)
        server.wait_gone(server.say(member, BAD))
        good = seen.count(HTTPStatus.OK)
        house.wait(lambda: seen.count(HTTPStatus.OK), lambda now: now > good + 20, what="all is as before")
    assert seen.unexpected() == []
    refusals = [one for one in refused if not one.is_success]
    assert {one.status_code for one in refusals} == {503}
    assert {one.headers["content-type"] for one in refusals} == {"application/problem+json"}
    house.wait(
        lambda: visitor.send(
            "POST", "/api/auth/login", {"email": visitor.email, "password": visitor.password}
        ),
        lambda answer: answer.status_code in {200, 429},
        what="logging in works again",
        poll=1.0,
    )
    visitor.close()


def test_both_are_killed_while_nobody_asks(house: House, bot: HostedBot, server: Server) -> None:
    """They come back by themselves, and nobody's next request meets a connection of before."""
    member = server.join("nova")
    bot.change(server, words={"enabled": True, "words": [BAD]})
    path = bot.guild_path(server)
    reads = [f"{path}/modules/automod", f"{path}/modules", f"{path}/cases", "/api/bots", "/api/auth/me"] * 4

    def at_once() -> list[bytes]:
        with ThreadPoolExecutor(len(reads)) as pool:
            answers = list(pool.map(lambda read: bot.owner.send("GET", read), reads))
        assert [answer.status_code for answer in answers] == [200] * len(reads)
        return [answer.content for answer in answers]

    before = at_once()
    for part in (house.stack.postgres, house.stack.valkey):
        pid = part.pid
        part.kill()
        house.comes_back(part, pid)
    # at once they are answered; whether a bot is online is said anew by its engine
    house.wait(at_once, lambda now: now == before, what="all is as before")
    server.wait_gone(server.say(member, BAD))
