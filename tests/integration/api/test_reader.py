"""The few connections of the hot path: never more than said, none lost, none left with half an answer."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import bindparam, func, select
from support.stack import Database

from astero_api.web.reader import AwayError, Reader
from astero_shared.db.statements import Statement
from astero_shared.ids import new_id
from astero_shared.settings import Secret

ECHO = Statement(select(func.abs(bindparam("value"))), int)
DEFERRED = Statement(select(func.pg_sleep(30).is_(None)), bool)


@pytest.fixture
def name() -> str:
    """Of this test's connections: those a test before has closed may be on the list for a moment still."""
    return f"reader {new_id()}"


@pytest.fixture
async def reader(database: Database, name: str) -> AsyncIterator[Reader]:
    made = Reader(Secret(database.api), application=name, size=3)
    async with made.running():
        yield made


def connections(database: Database, name: str) -> int:
    with psycopg.connect(database.admin) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [name]
        ).fetchone()
    assert row is not None
    return row[0]


async def test_many_share_a_few_and_each_gets_its_own_answer(
    reader: Reader, database: Database, name: str
) -> None:
    answers = await asyncio.gather(*(reader.find(ECHO, value=-number) for number in range(150)))
    assert answers == list(range(150))
    assert connections(database, name) <= 3


async def test_a_statement_given_up_half_way_leaves_nothing_to_the_next(reader: Reader) -> None:
    given_up = [asyncio.create_task(reader.find(DEFERRED)) for _ in range(3)]
    waiting = [asyncio.create_task(reader.find(ECHO, value=1)) for _ in range(5)]
    while reader._open < 3 or len(reader._waiting) < 5:  # noqa: ASYNC110 - nothing tells when they wait
        await asyncio.sleep(0.01)
    waiting[0].cancel()
    for task in given_up:
        task.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    assert await asyncio.gather(*waiting[1:]) == [1] * 4
    assert await asyncio.gather(*(reader.find(ECHO, value=-n) for n in range(20))) == list(range(20))
    assert reader._open <= 3


async def test_connections_that_died_are_replaced_unseen(
    reader: Reader, database: Database, name: str
) -> None:
    await asyncio.gather(*(reader.find(ECHO, value=1) for _ in range(30)))
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [name]
        )
    assert await reader.find(ECHO, value=-7) == 7
    assert await asyncio.gather(*(reader.find(ECHO, value=-n) for n in range(30))) == list(range(30))


async def test_a_statement_the_database_refuses_is_an_error_and_costs_no_connection(
    reader: Reader, database: Database, name: str
) -> None:
    wrong = Statement(select(1 / func.abs(bindparam("value"))), int)
    for _ in range(10):
        with pytest.raises(psycopg.errors.DivisionByZero):
            await reader.find(wrong, value=0)
    assert await reader.find(ECHO, value=-3) == 3
    assert connections(database, name) == 1


async def test_a_database_that_is_away_is_said_at_once_the_second_time() -> None:
    reader = Reader(Secret("postgresql://a:b@127.0.0.1:1/x"), application="reader", size=2)
    async with reader.running():
        for _ in range(3):
            with pytest.raises(AwayError):
                await reader.find(ECHO, value=1)
    assert reader._open == 0
