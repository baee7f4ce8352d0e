"""Two engines share the bots; one that dies or hangs is replaced, and nobody is acted on twice."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import pytest
from support.hosted import HostedBot, new_application
from support.house import House
from support.owner import Owner
from support.server import Server

from astero_bot_engine.fleet.timing import Timing
from astero_sandbox.part import Part

pytestmark = pytest.mark.timeout(400)

BAD = "rumpelstilz"
# For a busy machine; what is promised is in the engines' own clockwork, see the first test.
PATIENCE_SECONDS = 60.0


@pytest.fixture
def second(house: House) -> Iterator[Part]:
    """Another engine beside the first; it ends in order."""
    part = house.stack.engines[1] if len(house.stack.engines) > 1 else house.stack.start_engine()
    part.start()
    part.wait_ready()
    yield part
    first = house.stack.engine
    first.start()
    first.wait_ready()
    part.stop()


@pytest.fixture(scope="module")
def flock(owner: Owner) -> list[tuple[HostedBot, Server]]:
    """Bots that hear messages, each with a server where one word is forbidden."""
    found: list[tuple[HostedBot, Server]] = []
    for number in range(4):
        bot = HostedBot.create(owner, new_application(owner.house, f"Guard {number}"))
        server = Server(owner.house, f"Reef {number}")
        bot.wait_state("online")
        bot.enter(server)
        bot.change(server, words={"enabled": True, "words": [BAD]})
        found.append((bot, server))
    for bot, server in found:
        bot.wait_listening(server, BAD)
    return found


def holders(house: House, bot_ids: list[str] | None = None) -> dict[str, str]:
    """The url of the engine that holds a bot now, by bot; of all bots by default."""
    rows = house.ask(
        "SELECT l.bot_id::text, e.url FROM bot_leases l JOIN engines e ON e.id = l.engine_id"
        " WHERE l.expires_at > clock_timestamp() AND (%s::uuid[] IS NULL OR l.bot_id = ANY(%s::uuid[]))",
        bot_ids,
        bot_ids,
    )
    return dict(rows)


def wait_shared(house: House, flock: list[tuple[HostedBot, Server]]) -> tuple[Part, Part]:
    """Until both engines hold bots and the flock is online: who holds the first of it, and who does not."""
    house.wait(
        lambda: holders(house),
        lambda now: len(set(now.values())) == 2 and all(bot.id in now for bot, _ in flock),
        what="two engines share the bots",
        seconds=PATIENCE_SECONDS,
        poll=0.2,
    )
    for bot, _ in flock:
        bot.wait_state("online")
    mine = holders(house)[flock[0][0].id]
    one, other = house.stack.engines
    return (one, other) if one.url == mine else (other, one)


def all_on(house: House, flock: list[tuple[HostedBot, Server]], engine: Part) -> bool:
    bot_ids = [bot.id for bot, _ in flock]
    held = holders(house, bot_ids)
    return len(held) == len(bot_ids) and set(held.values()) == {engine.url}


class Talk:
    """Members write a forbidden word in every server; at the end each message was dealt with once."""

    def __init__(self, house: House, flock: list[tuple[HostedBot, Server]]) -> None:
        self.house = house
        self.flock = flock
        self.members = [server.join("nova") for _, server in flock]
        self.said: list[str] = []
        self.since = house.people.now()

    def say(self) -> None:
        for (_, server), member in zip(self.flock, self.members, strict=True):
            self.said.append(server.say(member, BAD))

    def until(self, condition: Callable[[], bool], *, what: str) -> bool:
        def look() -> bool:
            self.say()
            return condition()

        return self.house.wait(look, what=what, poll=0.4, seconds=PATIENCE_SECONDS)

    def check(self) -> None:
        for _, server in self.flock:
            self.house.wait(
                lambda server=server: [one["id"] for one in server.messages() if one["id"] in self.said],
                lambda left: not left,
                what="every offending message is gone",
                seconds=PATIENCE_SECONDS,
            )
        wanted = Counter(int(message) for message in self.said)
        self.house.wait(
            lambda: Counter(
                row[0]
                for row in self.house.ask(
                    "SELECT message_id FROM cases WHERE message_id = ANY(%s) AND state = 'done'",
                    [int(message) for message in self.said],
                )
            ),
            lambda found: found == wanted,
            what="one case for each message",
            seconds=PATIENCE_SECONDS,
            poll=0.2,
        )
        for bot, server in self.flock:
            numbers = self.house.ask(
                "SELECT number FROM cases WHERE guild_id = %s ORDER BY number", int(server.id)
            )
            assert [row[0] for row in numbers] == list(range(1, len(numbers) + 1)), bot.id

    def asked_twice(self) -> list[str]:
        """Messages of which Discord was told more than once that they should go, whatever it answered."""
        calls = self.house.people.calls(self.since, method="DELETE")
        asked = Counter(call["path"].rpartition("/")[2] for call in calls if call["status"] != 429)
        return [message for message in self.said if asked[message] > 1]


def leases_of(house: House, engine_id: str) -> int:
    """How many bots an engine holds; no other may have one of them before its lease has run out."""
    query = "SELECT count(*) FROM bot_leases WHERE engine_id = %s AND expires_at > clock_timestamp()"
    return house.ask(query, engine_id)[0][0]


def id_of(house: House, engine: Part) -> str:
    return str(house.ask("SELECT id FROM engines WHERE url = %s ORDER BY started_at DESC", engine.url)[0][0])


def hosted_by(house: House, engine: Part) -> list[str]:
    """The bots that this process has clients of, whatever the database says."""
    bearer = {"Authorization": f"Bearer {house.stack.credentials.bot_engine_secret}"}
    answer = httpx.get(f"{engine.url}/internal/bots", headers=bearer, trust_env=False)
    return [bot["botId"] for bot in answer.raise_for_status().json()["bots"]]


def test_a_dead_engine_is_missed_within_fifteen_seconds() -> None:
    """The sum of the engines' own times, whatever this machine is busy with; two are for the connection."""
    timing = Timing()
    assert timing.lease + timing.reconcile + 2 <= 15
    assert timing.silent_engine <= timing.lease


def test_one_that_is_killed_is_replaced(
    house: House, flock: list[tuple[HostedBot, Server]], second: Part
) -> None:
    victim, survivor = wait_shared(house, flock)
    talk = Talk(house, flock)
    talk.say()
    before = victim.pid
    victim.kill()
    victim.wait_gone(before)
    # Its supervisor would start another; here the machine is gone.
    victim.stop()
    talk.until(
        lambda: all_on(house, flock, survivor),
        what="the other engine holds every bot",
    )
    for bot, _ in flock:
        bot.wait_state("online")
    talk.say()
    talk.check()


def test_one_that_hangs_is_replaced_and_does_not_act_when_it_wakes(
    house: House, flock: list[tuple[HostedBot, Server]], second: Part
) -> None:
    victim, survivor = wait_shared(house, flock)
    talk = Talk(house, flock)
    talk.say()
    victim.signal(signal.SIGSTOP)
    try:
        talk.until(
            lambda: all_on(house, flock, survivor),
            what="the other engine holds every bot",
        )
    finally:
        victim.signal(signal.SIGCONT)
    talk.say()
    victim.wait_ready()
    talk.say()
    talk.check()


def test_one_that_wakes_without_its_bots_does_nothing_for_them(
    house: House, flock: list[tuple[HostedBot, Server]], second: Part
) -> None:
    """What it finds unread is its follower's: the proof is asked for where a case is written."""
    victim, _ = wait_shared(house, flock)
    talk = Talk(house, flock)
    engine_id = id_of(house, victim)
    mine = {bot_id for bot_id, url in holders(house).items() if url == victim.url}
    victim.signal(signal.SIGSTOP)
    try:
        talk.say()
        # Somebody who holds them and does nothing, so that whatever happens was the old holder's doing.
        house.ask(
            "UPDATE bot_leases SET engine_id = gen_random_uuid(), fence = fence + 1,"
            " expires_at = clock_timestamp() + interval '5 minutes' WHERE engine_id = %s",
            engine_id,
        )
    finally:
        victim.signal(signal.SIGCONT)
    house.wait(lambda: mine & set(hosted_by(house, victim)), lambda left: not left, what="it lets them go")
    unread = [int(message) for (bot, _), message in zip(flock, talk.said, strict=True) if bot.id in mine]
    assert unread
    assert house.ask("SELECT number FROM cases WHERE message_id = ANY(%s)", unread) == []

    house.ask(
        "UPDATE bot_leases SET engine_id = NULL, expires_at = clock_timestamp()"
        " WHERE bot_id = ANY(%s::uuid[])",
        list(mine),
    )
    talk.check()


def test_one_that_ends_in_order_hands_its_bots_over_at_once(
    house: House, flock: list[tuple[HostedBot, Server]], second: Part
) -> None:
    victim, survivor = wait_shared(house, flock)
    talk = Talk(house, flock)
    talk.say()
    engine_id = id_of(house, victim)
    assert leases_of(house, engine_id)
    victim.stop()
    # Not when they run out, which takes seconds.
    assert leases_of(house, engine_id) == 0
    talk.until(lambda: all_on(house, flock, survivor), what="the other engine holds every bot")
    talk.say()
    talk.check()
    assert talk.asked_twice() == []
