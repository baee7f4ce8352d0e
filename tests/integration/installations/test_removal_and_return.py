"""A removed server comes back whole within 14 days and is gone without a trace afterwards."""

from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from support.seeds import GUILD, SCOPE, set_removed_at
from support.stack import Database

from astero_api.features.audit.jobs import tell_heads
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.crypto.keyring import Keyring
from astero_shared.db.engine import create_engine
from astero_shared.db.session import transaction
from astero_shared.errors import GoneError, NotFoundError
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.features.cases.service import open_case
from astero_shared.features.cases.store import CaseDraft, get_case, list_cases
from astero_shared.features.installations import store
from astero_shared.features.installations.store import GuildFacts
from astero_shared.features.modules.store import get_config, list_revisions, update_config
from astero_shared.features.webhooks.store import insert_webhook
from astero_shared.ids import new_id
from astero_shared.scope import SYSTEM, BotScope, GuildScope
from astero_shared.settings import Secret

FACTS = GuildFacts(guild_id=GUILD, name="Harbour", owner_id=5, locale="fr", member_count=12)
CONFIG = {"words": {"enabled": True, "words": ["zeta", "alpha", "Ünï"]}, "exactly": [3, 1, 2]}
BOT = BotScope(SYSTEM, SHARED_BOT_ID)
DRAFT = CaseDraft(action="warn", source="command", target_id=9, moderator_id="5")


@pytest.fixture
async def api(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(Secret(database.api), application="test-api")
    yield engine
    await engine.dispose()


@pytest.fixture
async def bot_engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(Secret(database.bot_engine), application="test-engine")
    yield engine
    await engine.dispose()


async def join(engine: AsyncEngine, scope: GuildScope = SCOPE) -> store.Join:
    async with transaction(engine) as session:
        return await store.record_join(session, scope, facts=FACTS, now=utc_now())


async def configure(engine: AsyncEngine, config: dict[str, object] = CONFIG, revision: int = 0) -> int:
    async with transaction(engine) as session:
        return await update_config(
            session, SCOPE, "automod", config=config, expected_revision=revision, now=utc_now()
        )


async def remove(engine: AsyncEngine) -> None:
    async with transaction(engine) as session:
        await store.mark_removed(session, SCOPE, by="discord", now=utc_now())
        await store.mark_left(session, SCOPE)


async def restore(engine: AsyncEngine) -> None:
    async with transaction(engine) as session:
        await store.restore(session, SCOPE, now=utc_now())


async def config_of(engine: AsyncEngine) -> dict[str, object] | None:
    async with transaction(engine) as session:
        return (await get_config(session, SCOPE, "automod")).config


async def open_one(engine: AsyncEngine) -> int:
    async with transaction(engine) as session:
        case = await open_case(session=session, scope=SCOPE, draft=DRAFT)
        assert case is not None
        return case.number


async def test_a_removed_server_hides_everything_and_a_restore_brings_it_back(
    api: AsyncEngine, bot_engine: AsyncEngine
) -> None:
    await join(bot_engine)
    await configure(api)
    number = await open_one(bot_engine)
    await remove(bot_engine)
    async with transaction(api) as session:
        for hidden in (
            get_config(session, SCOPE, "automod"),
            list_revisions(session, SCOPE, "automod"),
            list_cases(session, SCOPE),
        ):
            with pytest.raises(NotFoundError):
                await hidden
        removed = await store.list_installations(session, BOT, state="removed", now=utc_now())
        assert [row.guild_id for row in removed] == [GUILD]
        assert not await store.list_installations(session, BOT, state="active", now=utc_now())
    await restore(api)
    await restore(api)
    assert await config_of(api) == CONFIG
    async with transaction(api) as session:
        assert (await get_case(session, SCOPE, number)).target_id == 9
        assert [row.revision for row in await list_revisions(session, SCOPE, "automod")] == [1]


async def test_a_second_removal_does_not_move_the_deadline(
    bot_engine: AsyncEngine, database: Database
) -> None:
    await join(bot_engine)
    await remove(bot_engine)
    first = utc_now() - timedelta(days=3)
    set_removed_at(database.admin, first)
    await remove(bot_engine)
    async with transaction(bot_engine) as session:
        (row,) = await store.list_installations(session, BOT, state="removed", now=utc_now())
    assert row.removed_at == first


async def test_a_bot_added_again_starts_blank_and_is_offered_the_restore(
    api: AsyncEngine, bot_engine: AsyncEngine
) -> None:
    await join(bot_engine)
    await configure(api)
    assert await open_one(bot_engine) == 1
    await remove(bot_engine)
    again = await join(bot_engine)
    assert again.is_new
    assert again.restorable is not None
    assert await config_of(api) is None
    # numbers go on: a case log with two cases #1 would be a lie
    assert await open_one(bot_engine) == 2
    await restore(api)
    assert await config_of(api) == CONFIG
    async with transaction(api) as session:
        assert [case.number for case in await list_cases(session, SCOPE)] == [2, 1]
        (row,) = await store.list_installations(session, BOT, state="active", now=utc_now())
    assert row.present


async def test_removing_a_server_that_waits_for_its_bot_gives_the_engine_nothing_to_leave(
    api: AsyncEngine, bot_engine: AsyncEngine
) -> None:
    await join(bot_engine)
    await remove(bot_engine)
    await restore(api)
    async with transaction(api) as session:
        await store.mark_removed(session, SCOPE, by="dashboard", now=utc_now())
        assert not await store.list_to_leave(session, [SHARED_BOT_ID])


async def test_a_blank_return_does_not_bury_the_settings(api: AsyncEngine, bot_engine: AsyncEngine) -> None:
    await join(bot_engine)
    await configure(api)
    await remove(bot_engine)
    await join(bot_engine)
    await remove(bot_engine)
    await restore(api)
    assert await config_of(api) == CONFIG


@pytest.mark.parametrize(
    ("left", "allowed"), [(timedelta(seconds=30), True), (timedelta(0), False), (timedelta(days=-9), False)]
)
async def test_the_deadline_is_decided_when_read_and_not_by_the_purge(
    api: AsyncEngine, bot_engine: AsyncEngine, database: Database, left: timedelta, *, allowed: bool
) -> None:
    await join(bot_engine)
    await configure(api)
    await remove(bot_engine)
    set_removed_at(database.admin, utc_now() - timedelta(days=14) + left)
    if allowed:
        await restore(api)
        assert await config_of(api) == CONFIG
        return
    with pytest.raises(GoneError):
        await restore(api)
    async with transaction(api) as session:
        assert not await store.list_installations(session, BOT, state="removed", now=utc_now())
        assert await store.find_restorable(session, SCOPE, now=utc_now()) is None


async def test_nothing_was_removed_is_not_found(api: AsyncEngine, bot_engine: AsyncEngine) -> None:
    with pytest.raises(NotFoundError):
        await restore(api)
    await join(bot_engine)
    with pytest.raises(NotFoundError):
        await restore(api)


async def test_the_purge_removes_every_row_of_the_server_and_of_no_other(
    api: AsyncEngine, bot_engine: AsyncEngine, database: Database
) -> None:
    other = GuildScope(SYSTEM, SHARED_BOT_ID, GUILD + 1)
    for scope in (SCOPE, other):
        await join(bot_engine, scope)
        async with transaction(api) as session:
            await insert_webhook(
                session,
                scope,
                webhook_id=new_id(),
                url="https://hooks.example.com/",
                events=["case.opened"],
                description=None,
                created_by=SHARED_BOT_ID,
                now=utc_now(),
            )
            await update_config(session, scope, "automod", config=CONFIG, expected_revision=0, now=utc_now())
            await open_case(session=session, scope=scope, draft=DRAFT)
            await write_audit(
                session,
                actor=SYSTEM,
                action=AuditAction.MODULE_UPDATED,
                bot_id=scope.bot_id,
                guild_id=scope.guild_id,
            )
    await tell_heads(api, Keyring({1: bytes(range(32))}))
    await remove(bot_engine)
    async with transaction(api) as session:
        (early,) = await store.list_installations(session, BOT, state="removed", now=utc_now())
        # the api may ask, but the database decides
        assert await store.purge(session, early.id) is None
    set_removed_at(database.admin, utc_now() - timedelta(days=14, seconds=1))
    async with transaction(api) as session:
        (expired,) = await store.list_expired(session, now=utc_now())
        purged = await store.purge(session, expired)
    assert purged is not None
    holding = tables_holding(database, GUILD)
    assert holding == set()
    assert tables_holding(database, GUILD + 1) == set(purged.rows), (
        "the purge must know every table of a server"
    )
    async with transaction(api) as session:
        assert await store.purge(session, expired) is None
    # what is over stays over, and what never was is still unknown
    with pytest.raises(GoneError):
        await restore(api)
    with pytest.raises(NotFoundError):
        async with transaction(api) as session:
            await store.restore(session, GuildScope(SYSTEM, SHARED_BOT_ID, GUILD + 7), now=utc_now())


def tables_holding(database: Database, guild_id: int) -> set[str]:
    """Every table of the live catalog that has a guild_id, and a row of this server in it."""
    with psycopg.connect(database.admin) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name = 'guild_id'"
        ).fetchall()
        return {
            table
            for (table,) in tables
            if connection.execute(
                psycopg.sql.SQL("SELECT 1 FROM {} WHERE guild_id = %s LIMIT 1").format(
                    psycopg.sql.Identifier(table)
                ),
                [guild_id],
            ).fetchone()
        }
