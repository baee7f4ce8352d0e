"""Two people changing the same settings: one of them is told, nothing is overwritten in silence."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from support.seeds import GUILD, SCOPE
from support.stack import Database

from astero_shared.clock import utc_now
from astero_shared.db.engine import create_engine
from astero_shared.db.session import transaction
from astero_shared.errors import NotFoundError, PreconditionFailedError
from astero_shared.features.installations.store import GuildFacts, record_join
from astero_shared.features.modules import store
from astero_shared.settings import Secret


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(Secret(database.bot_engine), application="test-engine")
    async with transaction(engine) as session:
        facts = GuildFacts(guild_id=GUILD, name="Harbour")
        await record_join(session, SCOPE, facts=facts, now=utc_now())
    yield engine
    await engine.dispose()


async def write(engine: AsyncEngine, config: dict[str, object], revision: int) -> int:
    async with transaction(engine) as session:
        return await store.update_config(
            session, SCOPE, "automod", config=config, expected_revision=revision, now=utc_now()
        )


async def test_of_two_writers_at_once_exactly_one_wins(engine: AsyncEngine) -> None:
    results = await asyncio.gather(
        *(write(engine, {"writer": n}, 0) for n in range(5)), return_exceptions=True
    )
    assert [r for r in results if not isinstance(r, BaseException)] == [1]
    assert sum(isinstance(r, PreconditionFailedError) for r in results) == 4


async def test_every_revision_is_kept_newest_first(engine: AsyncEngine) -> None:
    for revision in range(3):
        assert await write(engine, {"n": revision}, revision) == revision + 1
    async with transaction(engine) as session:
        rows = await store.list_revisions(session, SCOPE, "automod")
        assert [(row.revision, row.config) for row in rows] == [(3, {"n": 2}), (2, {"n": 1}), (1, {"n": 0})]
        older = await store.list_revisions(session, SCOPE, "automod", before=2)
        assert [row.revision for row in older] == [1]
        assert (await store.get_revision(session, SCOPE, "automod", 2)).config == {"n": 1}
        with pytest.raises(NotFoundError):
            await store.get_revision(session, SCOPE, "automod", 4)


async def test_a_server_the_bot_is_not_in_has_no_settings(engine: AsyncEngine) -> None:
    async with transaction(engine) as session:
        assert (await store.get_config(session, SCOPE, "automod")).revision == 0
        elsewhere = type(SCOPE)(SCOPE.actor, SCOPE.bot_id, GUILD + 5)
        with pytest.raises(NotFoundError):
            await store.get_config(session, elsewhere, "automod")
