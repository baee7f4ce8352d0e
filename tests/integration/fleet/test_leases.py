"""A bot has one holder, however many ask at once; shares cover every bot."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine
from support.fleet import FleetDatabase

from astero_bot_engine.fleet import leases
from astero_bot_engine.fleet.leases import Population
from astero_shared.db.engine import create_engine
from astero_shared.ids import new_id
from astero_shared.settings import Secret


@pytest.fixture
async def db(rows: FleetDatabase) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(Secret(rows.engine_url), application="test_leases")
    yield engine
    await engine.dispose()


@pytest.fixture
def bots(rows: FleetDatabase) -> set[UUID]:
    """Ten bots nobody holds; the shared one is left out of it."""
    rows.ask("UPDATE bots SET desired_state = 'stopped'")
    owner, ids = new_id(), {new_id() for _ in range(10)}
    rows.ask(
        "INSERT INTO users (id, email, email_key, locale, token_version, status, created_at)"
        " VALUES (%s, 'a@example.test', 'a@example.test', 'en', 0, 'active', now())",
        owner,
    )
    for bot_id in ids:
        rows.ask(
            "INSERT INTO bots (id, owner_user_id, kind, name, desired_state, created_at, updated_at)"
            " VALUES (%s, %s, 'branded', 'Bot', 'running', now(), now())",
            bot_id, owner,
        )  # fmt: skip
    return ids


async def claim(db: AsyncEngine, engine_id: UUID, *, most: int = 100, lease: float = 60) -> dict[UUID, int]:
    async with db.begin() as connection:
        return await leases.claim(connection, engine_id, most=most, lease=lease)


async def test_two_that_ask_at_once_never_get_the_same_bot(db: AsyncEngine, bots: set[UUID]) -> None:
    first, second = new_id(), new_id()
    await claim(db, first)
    async with db.begin() as connection:
        await leases.release(connection, first, bots)
    async with db.begin() as connection:
        mine = await leases.claim(connection, first, most=6, lease=10)
        others = asyncio.create_task(claim(db, second))
        # It must not wait for the one that has not committed either.
        theirs = await others
    assert len(mine) == 6
    assert theirs.keys() == bots - mine.keys()


async def test_a_lease_that_ran_out_is_taken_with_a_higher_fence(db: AsyncEngine, bots: set[UUID]) -> None:
    dead, heir = new_id(), new_id()
    before = await claim(db, dead, lease=0.05)
    assert set(before.values()) == {1}
    taken: dict[UUID, int] = {}
    while len(taken) < len(bots):
        taken |= await claim(db, heir)
    assert set(taken.values()) == {2}
    async with db.begin() as connection:
        assert await leases.renew(connection, dead, url="http://127.0.0.1:1", lease=10) == {}
        assert await leases.lock(connection, heir, bots) == taken


async def test_a_lease_nobody_took_is_held_again(db: AsyncEngine, bots: set[UUID]) -> None:
    engine_id = new_id()
    held = await claim(db, engine_id, lease=0)
    async with db.begin() as connection:
        assert await leases.renew(connection, engine_id, url="http://127.0.0.1:1", lease=10) == held
    assert await claim(db, new_id()) == {}


async def test_what_is_given_up_can_be_claimed_at_once(db: AsyncEngine, bots: set[UUID]) -> None:
    engine_id = new_id()
    await claim(db, engine_id)
    some = set(list(bots)[:3])
    async with db.begin() as connection:
        await leases.release(connection, engine_id, some)
    assert (await claim(db, new_id())).keys() == some


async def test_nobody_releases_what_another_holds(db: AsyncEngine, bots: set[UUID]) -> None:
    await claim(db, new_id())
    async with db.begin() as connection:
        await leases.release(connection, new_id(), bots)
    assert await claim(db, new_id()) == {}


@given(bots=st.integers(0, 5000), engines=st.integers(1, 50))
def test_shares_hold_every_bot_and_no_engine_is_idle_for_long(bots: int, engines: int) -> None:
    share = Population(bots, engines).share
    assert share * engines >= bots
    assert (share - 1) * engines < bots or share == 0
