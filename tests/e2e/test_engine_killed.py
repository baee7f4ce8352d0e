"""The engine dies without a word in the middle of a flood: nothing is lost, nothing is done twice."""

import signal
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from support.hosted import HostedBot
from support.server import Server

pytestmark = pytest.mark.timeout(400)

BAD = "rumpelstilz"
SCAM = "buy gold24"
BATCH = 20
PER_SECOND = 40.0
SCAMMERS = 8


@contextmanager
def flood(server: Server, member: str) -> Generator[list[int]]:
    """Bad messages until the block ends, however long that is; yields how many each batch had."""
    batches: list[int] = []
    enough = threading.Event()

    def write() -> None:
        while not enough.is_set():
            server.flood(member, BAD, count=BATCH, per_second=PER_SECOND)
            batches.append(BATCH)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield batches
    finally:
        enough.set()
        thread.join()


def count_cases(bot: HostedBot, server: Server) -> int:
    return bot.house.ask("SELECT count(*) FROM cases WHERE guild_id = %s", int(server.id))[0][0]


def every_case(bot: HostedBot, server: Server) -> list[dict[str, Any]]:
    """Oldest first, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = bot.owner.get(f"{bot.guild_path(server)}/cases?limit=100{cursor}")
        found += page["items"]
        if page["nextCursor"] is None:
            return found[::-1]
        cursor = f"&cursor={page['nextCursor']}"


def kicks(bot: HostedBot, server: Server, since: int) -> Counter[str]:
    """Successful kicks by member, as Discord saw them."""
    members = f"/guilds/{server.id}/members/"
    calls = bot.house.people.calls(since, method="DELETE", status=204)
    return Counter(call["path"].rpartition("/")[2] for call in calls if members in call["path"])


def test_killed_in_the_middle_of_a_flood(bot: HostedBot, server: Server) -> None:
    house, engine = bot.house, bot.house.stack.engine
    member = server.join("nova")
    scammers = [server.join(f"scam{number}") for number in range(SCAMMERS)]
    bot.change(
        server,
        words={"enabled": True, "words": [BAD]},
        patterns={"enabled": True, "action": "kick", "patterns": ["gold[0-9]+"]},
    )
    server.wait_gone(server.say(member, BAD))
    since = house.people.now()
    before = engine.pid
    with flood(server, member) as batches:
        for scammer in scammers[: SCAMMERS // 2]:
            server.say(scammer, SCAM)
        house.wait(
            lambda: count_cases(bot, server), lambda count: count > BATCH, what="the flood is dealt with"
        )
        engine.kill()
        for scammer in scammers[SCAMMERS // 2 :]:
            server.say(scammer, SCAM)
        house.comes_back(engine, before)

    house.wait(server.written, lambda left: not left, what="every offending message is gone", seconds=120)
    total = 1 + sum(batches) + SCAMMERS
    cases = house.wait(
        lambda: every_case(bot, server),
        lambda found: len(found) >= total and all(case["state"] != "pending" for case in found),
        what="every case is settled",
        seconds=120,
        poll=0.5,
    )
    assert [case["number"] for case in cases] == list(range(1, total + 1))
    assert {case["state"] for case in cases} == {"done"}
    rules = Counter(case["rule"] for case in cases)
    assert rules == {"words": 1 + sum(batches), "patterns": SCAMMERS}
    about = house.ask(
        "SELECT count(DISTINCT message_id), count(*) FROM cases WHERE guild_id = %s", int(server.id)
    )
    assert about == [(total, total)]
    assert kicks(bot, server, since) == Counter(scammers)
    assert [server.member(scammer) for scammer in scammers] == [None] * SCAMMERS
    bot.wait_state("online")


def test_who_flooded_before_the_kill_is_timed_out_once(bot: HostedBot, server: Server) -> None:
    """What was written before somebody's timeout, and is read after it, is only deleted."""
    house, engine = bot.house, bot.house.stack.engine
    members = [server.join(f"nova{number}") for number in range(4)]
    bot.change(server, words={"enabled": True, "action": "timeout", "words": [BAD], "durationMinutes": 60})
    since = house.people.now()
    before = engine.pid
    engine.signal(signal.SIGSTOP)
    for _ in range(6):
        for member in members:
            server.say(member, BAD)
    engine.signal(signal.SIGCONT)
    house.wait(
        lambda: any((server.member(one) or {})["timedOutUntil"] for one in members),
        what="somebody is timed out",
    )
    engine.kill()
    house.comes_back(engine, before)
    house.wait(server.written, lambda left: not left, what="every offending message is gone", seconds=120)
    cases = house.wait(
        lambda: every_case(bot, server),
        lambda found: len(found) == 24 and all(case["state"] == "done" for case in found),
        what="every case is settled",
        poll=0.5,
    )
    timeouts = Counter(case["target"]["id"] for case in cases if case["action"] == "timeout")
    assert timeouts == Counter(members)
    assert {case["action"] for case in cases} == {"timeout", "delete"}
    calls = house.people.calls(since, method="PATCH", status=200)
    patched = Counter(call["path"].rpartition("/")[2] for call in calls if "/members/" in call["path"])
    assert set(patched) == set(members)


def test_a_dead_engine_costs_the_dashboard_nothing(bot: HostedBot, server: Server) -> None:
    """Settings and cases are kept while no engine runs, and hold when one is back."""
    engine = bot.house.stack.engine
    member = server.join("nova")
    engine.stop()
    try:
        bot.patch(server, words={"enabled": True, "words": [BAD]})
        path = f"{bot.guild_path(server)}/cases"
        opened = bot.owner.post(path, {"action": "timeout", "targetId": member, "durationSeconds": 600})
        assert opened["state"] == "pending"
    finally:
        engine.start()
        engine.wait_ready()
    assert bot.wait_case(server)["state"] == "done"
    now = server.member(member)
    assert now is not None
    assert now["timedOutUntil"]
    server.wait_gone(server.say(server.join("otto"), BAD))
