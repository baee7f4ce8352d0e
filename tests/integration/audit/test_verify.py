"""`astero audit verify` finds whatever somebody with the whole database did to the log, and nothing else."""

import base64
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from support.audit import Verify, ask, damage, write, write_many
from support.hosting import insert_installation
from support.log_capture import captured_log
from support.seeds import GUILD, set_removed_at
from support.stack import Database

from astero_api.features.audit.jobs import tell_heads
from astero_api.features.installations.jobs import purge_expired
from astero_shared.clock import utc_now
from astero_shared.crypto.keyring import Keyring
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.ids import new_id
from astero_shared.scope import SYSTEM, Actor, GuildScope

KEY = bytes(range(32))
KEYRING = Keyring({3: KEY})
KEY_TEXT = f"3:{base64.b64encode(KEY).decode()}"
CHAIN = f"guild:{SHARED_BOT_ID}:{GUILD}"
NEIGHBOUR = GuildScope(SYSTEM, SHARED_BOT_ID, GUILD + 1)
FIELDS = "at, chain, seq, prev_hash, hash, actor_kind, actor_id, bot_id, guild_id, action, target, details"
FORK = (
    f"INSERT INTO audit_entries (id, {FIELDS})"  # noqa: S608 - constants only
    f" SELECT 'ffffffff-ffff-4fff-bfff-ffffffffffff', {FIELDS} FROM audit_entries WHERE seq = 3"
)
SWAP = (
    "UPDATE audit_entries SET seq = -seq WHERE seq IN (3, 4);"
    "UPDATE audit_entries SET seq = 7 + seq WHERE seq < 0"
)
CLOSE_UP = "DELETE FROM audit_entries WHERE seq = 3; UPDATE audit_entries SET seq = seq - 1 WHERE seq > 3"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


async def tell(engine: AsyncEngine, log: Path) -> int:
    """What the worker does every five minutes, with a copy of its log kept elsewhere."""
    with captured_log() as captured:
        told = await tell_heads(engine, KEYRING)
    with log.open("a") as kept:
        kept.write(captured.text + '{"level":30,"msg":"mail sent"}\nno JSON at all\n')
    return told


def edit(log: Path, old: str, new: str) -> None:
    log.write_text(log.read_text().replace(old, new))


async def test_what_was_written_is_verified(
    api: AsyncEngine, bot_engine: AsyncEngine, verify: Verify
) -> None:
    member = Actor(kind="member", id="5", name='Ada "the\u200b first"\n')
    for engine in (api, bot_engine):
        await write_many(engine, 3)
        await write(engine, actor=member)
    await write(api, scope=NEIGHBOUR)
    ran = verify()
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert "9 entries are as they were written" in ran.stderr
    one = verify("--chain", CHAIN)
    assert one.exit_code == 0
    assert "8 entries" in one.stderr
    slip = verify("--chain", "gild:1:2")
    assert (slip.exit_code, "there is no chain gild:1:2" in slip.stderr) == (4, True)


@pytest.mark.parametrize(
    ("change", "seq", "why"),
    [
        ("UPDATE audit_entries SET target = 'x' WHERE seq = 3", 3, "changed since"),
        ("UPDATE audit_entries SET details = details - 'a' WHERE seq = 3", 3, "changed since"),
        ("UPDATE audit_entries SET at = at + interval '1 microsecond' WHERE seq = 3", 3, "changed since"),
        ("UPDATE audit_entries SET hash = sha256('x') WHERE seq = 3", 3, "changed since"),
        ('UPDATE audit_entries SET personal = \'{"name": "Eve"}\' WHERE seq = 3', 3, "personal in it"),
        (
            "UPDATE audit_entries SET personal_hash = NULL, personal = NULL, personal_salt = NULL",
            1,
            "changed",
        ),
        ("DELETE FROM audit_entries WHERE seq = 1", 2, "entry 1 is missing"),
        ("DELETE FROM audit_entries WHERE seq = 3", 4, "entry 3 is missing"),
        ("DELETE FROM audit_entries WHERE seq > 4", 5, "cut off: entry 6"),
        ("DELETE FROM audit_entries", 1, "all 6 entries"),
        (CLOSE_UP, 3, "does not follow"),
        (SWAP, 3, "does not follow"),
        (FORK, 3, "forked"),
        ("UPDATE audit_entries SET chain = 'platform' WHERE seq = 1", 2, "entry 1 is missing"),
    ],
)
async def test_the_first_broken_place_is_named(
    api: AsyncEngine, database: Database, verify: Verify, log: Path, change: str, seq: int, why: str
) -> None:
    for number in range(6):
        await write(api, str(number), actor=Actor(kind="member", id="5", name="Ada"))
    await tell(api, log)
    # constraints stop nobody who may drop them
    drop = (
        "ALTER TABLE audit_entries DROP CONSTRAINT audit_entries_chain_seq_key,"
        " DROP CONSTRAINT audit_entries_seq_check"
    )
    damage(database, drop, *change.split(";"))
    ran = verify("--chain", CHAIN)
    assert ran.exit_code == 3
    assert f"{CHAIN} entry {seq}: " in ran.stderr
    assert why in ran.stderr


async def test_a_chain_written_anew_differs_from_what_was_told_outside(
    api: AsyncEngine, database: Database, verify: Verify, log: Path
) -> None:
    await write_many(api, 5)
    assert await tell(api, log) == 1
    damage(database, "DELETE FROM audit_entries WHERE seq > 3", "DELETE FROM audit_heads")
    assert verify().exit_code == 0, "nothing inside shows it"
    cut = verify("--head", str(log), key=KEY_TEXT)
    assert (cut.exit_code, "entry 4: cut off" in cut.stderr) == (3, True)
    await write_many(api, 4)
    anew = verify("--head", str(log), key=KEY_TEXT)
    assert (anew.exit_code, "entry 5: written anew" in anew.stderr) == (3, True)


async def test_a_head_is_told_when_its_chain_grew_and_stays_true(
    api: AsyncEngine, bot_engine: AsyncEngine, verify: Verify, log: Path
) -> None:
    await write_many(api, 2)
    await write(bot_engine, scope=NEIGHBOUR)
    assert [await tell(api, log), await tell(api, log)] == [2, 0]
    await write(bot_engine)
    assert await tell(api, log) == 1
    await write(bot_engine)
    ran = verify("--head", str(log), key=KEY_TEXT)
    assert (ran.exit_code, "3 heads from outside agree" in ran.stderr) == (0, True)


async def test_a_head_that_we_did_not_write_proves_nothing(
    api: AsyncEngine, verify: Verify, log: Path
) -> None:
    await write_many(api, 2)
    await tell(api, log)
    edit(log, '"seq":2', '"seq":1')
    ran = verify("--head", str(log), key=KEY_TEXT)
    assert (ran.exit_code, "line 1 is not a head" in ran.stderr) == (3, True)
    assert verify("--head", str(log)).exit_code == 78
    edit(log, "audit.head", "audit.bed")
    nothing = verify("--head", str(log), key=KEY_TEXT)
    assert (nothing.exit_code, "holds no audit.head line" in nothing.stderr) == (4, True)


async def test_a_purged_server_is_not_taken_for_a_cut(
    api: AsyncEngine, bot_engine: AsyncEngine, database: Database, verify: Verify, log: Path
) -> None:
    insert_installation(database.admin, SHARED_BOT_ID, GUILD)
    await write_many(bot_engine, 3)
    await write(bot_engine, "neighbour", scope=NEIGHBOUR)
    await tell(api, log)
    damage(database, "UPDATE installations SET removed_at = now()")
    set_removed_at(database.admin, utc_now() - timedelta(days=15))
    assert await purge_expired(api) == 1
    assert ask(database, "SELECT DISTINCT chain FROM audit_entries ORDER BY 1") == [
        (f"guild:{SHARED_BOT_ID}:{GUILD + 1}",), ("platform",),
    ]  # fmt: skip
    # the bot comes again: another life, another chain
    await write(bot_engine)
    await tell(api, log)
    ran = verify("--head", str(log), key=KEY_TEXT)
    assert (ran.exit_code, ran.stderr.count("entry")) == (0, 0), ran.stderr
    # a purge that the platform's chain does not tell of is a cut
    damage(database, "DELETE FROM audit_entries WHERE target = 'neighbour'", "DELETE FROM audit_heads")
    ran = verify("--head", str(log), key=KEY_TEXT)
    assert (ran.exit_code, "cut off" in ran.stderr) == (3, True)


async def test_a_person_is_forgotten_and_the_chain_stays_whole(
    api: AsyncEngine, database: Database, verify: Verify, log: Path
) -> None:
    ada, eve = (Actor(kind="user", id=str(new_id()), name=name) for name in ("Ada", "Eve"))
    for actor in (ada, eve, ada):
        await write(api, actor=actor)
    await tell(api, log)
    assert ask(database, "SELECT erase_audit_personal(%s)", ada.id) == [(2,)]
    assert ask(database, "SELECT personal, personal_salt IS NULL FROM audit_entries ORDER BY seq") == [
        (None, True), ({"name": "Eve"}, False), (None, True),
    ]  # fmt: skip
    assert verify("--head", str(log), key=KEY_TEXT).exit_code == 0
    damage(
        database,
        "UPDATE audit_entries SET personal = '{\"name\": \"Ada\"}', personal_salt = 'x' WHERE seq = 1",
    )
    assert verify().exit_code == 3, "nothing is remembered that was not there"
