"""Each tenant's entries are one chain, whoever writes and however many at once; it is only added to."""

import asyncio
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession
from support.audit import ask, write
from support.seeds import GUILD, SCOPE
from support.stack import Database

from astero_shared.audit.actions import AuditAction
from astero_shared.audit.canonical import NO_HASH, JsonValue, StoredEntry, canonical_json, hash_entry
from astero_shared.audit.writer import write_audit
from astero_shared.db.session import reading, transaction
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.scope import SYSTEM, Actor, GuildScope

USER = Actor(kind="user", id="00000000-0000-7000-8000-00000000000a", name="Ada")
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)
JSON: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


async def entries(engine: AsyncEngine, chain: str) -> list[StoredEntry]:
    query = text("SELECT * FROM audit_entries WHERE chain = :chain ORDER BY seq")
    async with engine.connect() as connection:
        rows = await connection.execute(query, {"chain": chain})
        return [StoredEntry(**row) for row in rows.mappings()]


async def test_fifty_writers_of_two_services_make_one_chain(
    api: AsyncEngine, bot_engine: AsyncEngine
) -> None:
    await asyncio.gather(*(write((api, bot_engine)[number % 2], str(number)) for number in range(50)))
    chain = await entries(api, f"guild:{SHARED_BOT_ID}:{GUILD}")
    assert [entry.seq for entry in chain] == list(range(1, 51))
    assert sorted(int(entry.target or "") for entry in chain) == list(range(50))
    assert [entry.prev_hash for entry in chain] == [NO_HASH, *(entry.hash for entry in chain[:-1])]
    assert [entry.hash for entry in chain] == [hash_entry(entry) for entry in chain]


async def test_rows_and_chains_are_taken_in_any_order_and_nobody_is_turned_down(
    api: AsyncEngine, bot_engine: AsyncEngine, database: Database
) -> None:
    """Everybody locks two rows and writes to two chains, half of them the other way round."""
    names = ["alpha", "beta"]
    with psycopg.connect(database.admin, autocommit=True) as connection:
        for name in names:
            connection.execute(
                "INSERT INTO mails VALUES (gen_random_uuid(), '\\x01' || sha256(%s) || sha256(''), now())",
                [name.encode()],
            )
    lock = text("SELECT id FROM mails ORDER BY queued_at LIMIT 1 OFFSET :number FOR UPDATE")
    other = GuildScope(SYSTEM, SHARED_BOT_ID, GUILD + 1)

    async def act(turned: bool, number: int) -> None:
        scopes = (other, SCOPE) if turned else (SCOPE, other)
        async with transaction(api) as session:
            await say(session, scopes[0])
            # a row that others hold while they wait for the chain
            await session.exec(lock, params={"number": number % 2})
            await say(session, scopes[1])

    async def say(session: AsyncSession, scope: GuildScope) -> None:
        await write_audit(
            session,
            actor=SYSTEM,
            action=AuditAction.CASE_EDITED,
            bot_id=scope.bot_id,
            guild_id=scope.guild_id,
        )

    await asyncio.gather(*(act(turned=number % 3 == 0, number=number) for number in range(40)))
    assert len(await entries(api, f"guild:{SHARED_BOT_ID}:{GUILD}")) == 40


async def test_an_entry_belongs_to_its_server_else_its_account_else_the_platform(api: AsyncEngine) -> None:
    about = UUID(int=11)
    async with transaction(api) as session:
        for actor, account_id, bot_id, guild_id in (
            (USER, None, SHARED_BOT_ID, GUILD),
            (USER, None, SHARED_BOT_ID, None),
            (SYSTEM, about, None, None),
            (SYSTEM, None, None, None),
        ):
            await write_audit(
                session,
                actor=actor,
                action=AuditAction.BOT_UPDATED,
                account_id=account_id,
                bot_id=bot_id,
                guild_id=guild_id,
            )
    for chain in (
        f"guild:{SHARED_BOT_ID}:{GUILD}", f"account:{USER.id}", f"account:{about}", "platform",
    ):  # fmt: skip
        assert [entry.seq for entry in await entries(api, chain)] == [1]


async def test_what_is_rolled_back_is_not_told(api: AsyncEngine) -> None:
    await write(api, "kept")

    async def fail() -> None:
        async with transaction(api) as session:
            await write_audit(session, actor=SYSTEM, action=AuditAction.CASE_OPENED, target="lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await write(api, "next")
    chain = await entries(api, f"guild:{SHARED_BOT_ID}:{GUILD}")
    assert [(entry.seq, entry.target) for entry in chain] == [(1, "kept"), (2, "next")]
    assert await entries(api, "platform") == []


async def test_an_entry_needs_a_transaction_to_belong_to(api: AsyncEngine) -> None:
    async with reading(api) as session:
        with pytest.raises(RuntimeError, match="by itself"):
            await write_audit(session, actor=SYSTEM, action=AuditAction.CASE_OPENED)


def test_the_database_writes_details_as_we_do(database: Database) -> None:
    with psycopg.connect(database.admin, autocommit=True) as connection:

        @given(JSON)
        def agree(value: JsonValue) -> None:
            row = connection.execute("SELECT %s::jsonb::text", [canonical_json(value)]).fetchone()
            assert row == (canonical_json(value),)

        agree()


@pytest.mark.parametrize("role", ["api", "bot_engine", "admin", "owner"])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entries SET action = 'other'",
        "UPDATE audit_entries SET personal = NULL, personal_salt = NULL",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ],
)
async def test_nobody_alters_what_is_there(
    api: AsyncEngine, database: Database, role: str, change: str
) -> None:
    await write(api, actor=Actor(kind="member", id="5", name="Ada"))
    with psycopg.connect(getattr(database, role, database.migrator), autocommit=True) as connection:
        if role == "owner":
            connection.execute("SET ROLE astero_owner")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(change)  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert ask(database, "SELECT count(*), min(action), min(personal ->> 'name') FROM audit_entries") == [
        (1, "case:case:opened", "Ada")
    ]


@pytest.mark.parametrize("column", ["chain", "seq", "prev_hash", "hash", "personal_salt", "personal_hash"])
@pytest.mark.parametrize("role", ["api", "bot_engine"])
def test_a_service_says_nothing_of_place_and_link(database: Database, role: str, column: str) -> None:
    with (
        psycopg.connect(getattr(database, role), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(
            f"INSERT INTO audit_entries (id, at, actor_kind, actor_id, action, details, {column})"  # noqa: S608
            " VALUES (gen_random_uuid(), now(), 'system', 'x', 'x', '{}', NULL)"  # pyright: ignore[reportArgumentType]
        )
