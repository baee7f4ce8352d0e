"""Case numbers have no gap and no double, whatever happens at once or half way."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from support.seeds import GUILD, SCOPE
from support.stack import Database

from astero_shared.clock import utc_now
from astero_shared.db.engine import create_engine
from astero_shared.db.session import transaction
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.features.cases.service import open_case
from astero_shared.features.cases.store import CaseDraft, Fence, LeaseLostError, list_cases
from astero_shared.features.installations.store import GuildFacts, record_join
from astero_shared.scope import SYSTEM, GuildScope
from astero_shared.settings import Secret


def draft(source_key: str | None = None) -> CaseDraft:
    return CaseDraft(
        action="warn", source="automod", target_id=9, moderator_id="astero", source_key=source_key
    )


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(Secret(database.bot_engine), application="test-engine", pool_size=10)
    for scope in (SCOPE, GuildScope(SYSTEM, SHARED_BOT_ID, GUILD + 1)):
        async with transaction(engine) as session:
            facts = GuildFacts(guild_id=scope.guild_id, name="Harbour")
            await record_join(session, scope, facts=facts, now=utc_now())
    yield engine
    await engine.dispose()


async def numbers(engine: AsyncEngine) -> list[int]:
    async with transaction(engine) as session:
        return sorted(case.number for case in await list_cases(session, SCOPE, limit=1000))


async def test_many_at_once_count_without_gap_or_double(engine: AsyncEngine) -> None:
    async def open_one(position: int) -> None:
        async with transaction(engine) as session:
            await open_case(session=session, scope=SCOPE, draft=draft())
            if position % 3 == 0:
                raise RuntimeError("the transaction does not commit")

    await asyncio.gather(*(open_one(n) for n in range(60)), return_exceptions=True)
    assert await numbers(engine) == list(range(1, 41))


async def test_one_cause_opens_one_case_also_at_once_and_leaves_no_gap(engine: AsyncEngine) -> None:
    async def open_one(position: int) -> int | None:
        async with transaction(engine) as session:
            case = await open_case(session=session, scope=SCOPE, draft=draft(f"automod:{position % 10}"))
            return case.number if case else None

    opened = await asyncio.gather(*(open_one(n) for n in range(50)))
    assert sum(number is not None for number in opened) == 10
    assert await numbers(engine) == list(range(1, 11))


async def test_servers_count_apart(engine: AsyncEngine) -> None:
    other = GuildScope(SYSTEM, SHARED_BOT_ID, GUILD + 1)
    for scope in (SCOPE, other, SCOPE):
        async with transaction(engine) as session:
            last = await open_case(session=session, scope=scope, draft=draft())
    assert last is not None
    assert last.number == 2


async def test_an_engine_that_lost_the_bot_opens_nothing(engine: AsyncEngine, database: Database) -> None:
    mine, successor = uuid4(), uuid4()
    with psycopg.connect(database.bot_engine, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO bot_leases VALUES (%s, %s, 4, now() + interval '10 s')", [SHARED_BOT_ID, mine]
        )
        async with transaction(engine) as session:
            await open_case(session=session, scope=SCOPE, draft=draft(), fence=Fence(mine, 4))
        connection.execute("UPDATE bot_leases SET engine_id = %s, fence = 5", [successor])
    with pytest.raises(LeaseLostError):
        async with transaction(engine) as session:
            await open_case(session=session, scope=SCOPE, draft=draft(), fence=Fence(mine, 4))
    assert await numbers(engine) == [1]
