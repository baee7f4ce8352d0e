"""An operator suspends an account while the house runs, and takes it back; how soon it holds is printed."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import redis
from support.hosted import HostedBot, new_application
from support.house import House
from support.owner import Owner, problem_of
from support.server import Server

WORDS: dict[str, Any] = {"enabled": True, "words": ["rumpelstilz"]}


def operate(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What an operator types, with what an operator has."""
    ran = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "astero_ops", *arguments],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": house.stack.connections.database.migrator},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran


@dataclass
class Stream:
    """Requests one after the other, each with when it was sent."""

    answers: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    def statuses(self, *, since: float) -> set[int]:
        return {status for sent, status in self.answers if sent > since}

    def last_good(self) -> float:
        return max(sent for sent, status in self.answers if status == 200)


class Browser:
    """Keeps its cookies whatever it is told: a thief would."""

    def __init__(self, owner: Owner) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in owner.cookies.items())
        self._headers = {**owner.http.headers, "Cookie": cookies}
        self._url = owner.house.stack.api_url

    def send(self, method: str, path: str) -> httpx.Response:
        return httpx.request(method, self._url + path, headers=self._headers, trust_env=False, timeout=30)


@contextmanager
def streaming(browser: Browser) -> Generator[Stream]:
    stream, stop = Stream(), threading.Event()

    def run() -> None:
        # as often as one user may read
        while not stop.wait(0.2):
            sent = time.time()
            stream.answers.append((sent, browser.send("GET", "/api/auth/me").status_code))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield stream
    finally:
        stop.set()
        thread.join()


def bot_status(house: House, bot: HostedBot) -> tuple[Any, ...]:
    ((state, reason),) = house.ask("SELECT state, reason FROM bot_statuses WHERE bot_id = %s", bot.id)
    return state, reason


def test_sessions_end_at_the_next_request_and_bots_leave_until_all_is_taken_back(house: House) -> None:
    owner = Owner(house)
    discord_user = house.people.create_user("ana", owner.email)
    owner.sign_in_with_discord(discord_user)
    account, browser = owner.get("/api/auth/me")["id"], Browser(owner)
    bot = HostedBot.create(owner, new_application(house))
    bot.wait_state("online")
    server = Server(house)
    bot.enter(server)
    config = bot.change(server, words=WORDS)
    bot.wait_listening(server, "rumpelstilz")
    member = server.join("nova")

    with streaming(browser) as stream:
        house.wait(lambda: len(stream.answers), lambda count: count > 3, what="requests flow")
        assert stream.statuses(since=0) == {200}
        operate(house, "user", "suspend", owner.email, "--reason", "spam")
        done = time.time()
        with redis.Redis.from_url(house.stack.connections.redis_operator) as valkey:
            valkey.flushall()
        house.wait(
            lambda: bot_status(house, bot),
            lambda seen: seen == ("stopped", "bots.owner_suspended"),
            what="the bot is stopped",
        )
        gone = time.time()
        house.wait(lambda: stream.statuses(since=gone), what="requests flow on")
    assert stream.statuses(since=done) == {401}
    ((written,),) = house.ask(
        "SELECT extract(epoch FROM at)::float8 FROM audit_entries WHERE chain = 'platform' AND target = %s",
        account,
    )
    print(  # noqa: T201 - the figure of this test
        f"\nsuspension: the last good request was sent {stream.last_good() - written:+.2f} s and the bot gone"
        f" {gone - written:+.2f} s from when it was written"
    )
    problem_of(browser.send("POST", "/api/auth/refresh"), 401)
    kept = server.say(member, "rumpelstilz")
    house.wait(
        lambda: httpx.get(
            f"{house.stack.mail_url}/sandbox/messages", params={"to": owner.email}, trust_env=False
        ).json(),
        lambda letters: any("suspended" in one["subject"] for one in letters),
        what="the letter that tells of it",
    )
    assert kept in {one["id"] for one in server.messages()}, "nobody moderates there now"

    operate(house, "user", "restore", account, "--reason", "a mistake")
    problem_of(browser.send("GET", "/api/auth/me"), 401)
    owner.cookies.clear()
    owner.sign_in_with_discord(discord_user)
    bot.wait_state("online")
    assert bot.settings(server) == config
    bot.wait_listening(server, "rumpelstilz")
    told = [one["action"] for one in owner.get("/api/users/audit")["items"]]
    # that account was connected already
    assert told[:3] == ["session:session:started", "account:user:restored", "account:user:suspended"]
    assert {"account:discord:connected", "module:config:updated"} <= set(told)
    operate(house, "audit", "verify")
    owner.close()
