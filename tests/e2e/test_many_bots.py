"""Two hundred bots in one engine, and one of them is flooded: the others' members wait for nothing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg
import pytest
from psycopg.types.json import Jsonb
from support.hosted import Application, new_application
from support.house import WAIT_SECONDS, House
from support.owner import Owner
from support.server import Server

from astero_shared.crypto.fields import seal
from astero_shared.crypto.keyring import Keyring
from astero_shared.ids import new_id

pytestmark = pytest.mark.timeout(400)

BOTS = 200
BAD = "rumpelstilz"
# More than the two hundred could hide in: an engine has a pool of threads of its own.
FEW_THREADS = 12


_BOT = (
    "INSERT INTO bots (id, owner_user_id, kind, name, application_id, desired_state, created_at, updated_at)"
    " VALUES (%(bot)s, %(owner)s, 'branded', 'Guard', %(application)s, 'stopped', now(), now())"
)
_TOKEN = (
    "INSERT INTO bot_tokens (bot_id, ciphertext, last4, updated_at)"
    " VALUES (%(bot)s, %(blob)s, %(last4)s, now())"
)
_SETTINGS = (
    "WITH here AS (INSERT INTO installations (id, bot_id, guild_id, guild_name, present, joined_at)"
    "  VALUES (gen_random_uuid(), %(bot)s, %(guild)s, 'Reef', true, now()) RETURNING id, bot_id, guild_id)"
    " INSERT INTO module_configs (installation_id, module, bot_id, guild_id, revision, config, updated_at)"
    " SELECT id, 'automod', bot_id, guild_id, 1, %(automod)s, now() FROM here"
)


@dataclass(frozen=True, slots=True)
class Hosted:
    id: str
    application: Application
    server: Server


@pytest.fixture
def crowd(house: House, owner: Owner) -> Iterator[list[Hosted]]:
    """Running bots, each with a server where a word is forbidden: written as the api would have.

    Not through it, because it lets nobody bring two hundred bots in a minute.
    """
    keyring = Keyring.parse(house.stack.credentials.encryption_key)
    owner_id = owner.get("/api/auth/me")["id"]
    found: list[Hosted] = []
    rows: list[dict[str, Any]] = []
    for number in range(BOTS):
        application, server, bot_id = new_application(house, f"Guard {number}"), Server(house), new_id()
        server.add_bot(application.id)
        token = application.token.encode()
        rows.append(
            {
                "bot": bot_id,
                "owner": owner_id,
                "application": int(application.id),
                "blob": seal(keyring, table="bot_tokens", column="ciphertext", row=bot_id, plaintext=token),
                "last4": application.token[-4:],
                "guild": int(server.id),
                "automod": Jsonb({"words": {"enabled": True, "words": [BAD]}}),
            }
        )
        found.append(Hosted(str(bot_id), application, server))
    with psycopg.connect(house.stack.connections.database.admin) as database:
        for statement in (_BOT, _TOKEN, _SETTINGS):
            database.cursor().executemany(statement, rows)
    yield found
    ids = [bot.id for bot in found]
    house.ask("UPDATE bots SET desired_state = 'stopped' WHERE id = ANY(%s::uuid[])", ids)
    house.wait(
        lambda: house.ask(
            "SELECT count(*) FROM bot_leases WHERE bot_id = ANY(%s::uuid[]) AND expires_at > now()", ids
        )[0][0],
        lambda held: held == 0,
        what="the crowd is let go",
        poll=0.2,
    )


def states(house: House, crowd: list[Hosted]) -> dict[str, int]:
    rows = house.ask(
        "SELECT state, count(*) FROM bot_statuses WHERE bot_id = ANY(%s::uuid[]) GROUP BY state",
        [bot.id for bot in crowd],
    )
    return dict(rows)


def deletes_one(bot: Hosted, member: str, *, seconds: float = WAIT_SECONDS) -> None:
    message = bot.server.say(member, BAD)
    bot.server.house.wait(
        lambda: [one for one in bot.server.messages() if one["id"] == message],
        lambda left: not left,
        what=f"{bot.id} deletes a message",
        seconds=seconds,
        poll=0.1,
    )


@contextmanager
def flood(server: Server, member: str) -> Iterator[list[int]]:
    """Five hundred messages a second, a tenth of them bad, until the block ends; yields how many so far."""
    written: list[int] = []
    enough = threading.Event()

    def write() -> None:
        while not enough.is_set():
            server.flood(member, BAD, *["harmless"] * 9, count=100, per_second=500)
            written.append(100 + sum(written[-1:]))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        enough.set()
        thread.join()


def test_one_is_flooded_and_the_others_go_on(house: House, crowd: list[Hosted]) -> None:
    pid = house.stack.engine.pid
    assert pid is not None
    engine = psutil.Process(pid)
    threads = engine.num_threads()
    house.ask(
        "UPDATE bots SET desired_state = 'running' WHERE id = ANY(%s::uuid[])", [bot.id for bot in crowd]
    )
    house.wait(
        lambda: states(house, crowd),
        lambda now: now.get("online") == BOTS,
        what="two hundred bots are online",
        seconds=120,
        poll=0.3,
    )
    assert engine.num_threads() - threads < FEW_THREADS

    flooded, *others = crowd
    loud = flooded.server.join("nova")
    neighbours = [(bot, bot.server.join("otto")) for bot in others[:: BOTS // 5]]
    for bot, member in neighbours:
        deletes_one(bot, member)
    with flood(flooded.server, loud) as written:
        house.wait(lambda: written[-1:], lambda last: last and last[0] > 500, what="the flood has begun")
        so_far = written[-1]
        for bot, member in neighbours:
            deletes_one(bot, member)
    # Order, not speed: they were served while the flood went on.
    assert written[-1] > so_far

    assert house.stack.engine.pid == pid
    # Behind everything that the flood left in its own queue.
    deletes_one(flooded, flooded.server.join("rosa"), seconds=120)
    for bot, member in neighbours:
        deletes_one(bot, member)
    assert states(house, crowd) == {"online": BOTS}
