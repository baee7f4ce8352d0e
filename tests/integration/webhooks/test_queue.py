"""Who is served when, and what happens to a message whose worker died: the outbox by itself, time given."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from support.hosting import GUILD, insert_bot, insert_installation
from support.stack import Database
from support.webhooks import emit

from astero_api.features.webhooks.jobs import forget_old_deliveries
from astero_shared.clock import utc_now
from astero_shared.db.session import transaction
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.features.webhooks.deliveries import (
    LEASE,
    PER_ENDPOINT,
    PER_TENANT,
    Taken,
    put_back,
    settle,
    take_due,
)
from astero_shared.features.webhooks.rules import Attempt, Outcome
from astero_shared.features.webhooks.store import insert_webhook
from astero_shared.ids import new_id
from astero_shared.scope import SYSTEM, GuildScope

DONE = Attempt(outcome=Outcome.DELIVERED, latency=timedelta(milliseconds=30), status=200)
SLOW = Attempt(outcome=Outcome.DELIVERED, latency=timedelta(seconds=9), status=200)
FAILED = Attempt(outcome=Outcome.REFUSED, latency=timedelta(milliseconds=30), status=500)


class Outbox:
    """Servers of the shared bot with endpoints, and a worker that takes from them."""

    def __init__(self, engine: AsyncEngine, database: Database) -> None:
        self.engine = engine
        self.database = database
        self.now = utc_now() + timedelta(minutes=1)

    async def server(self, number: int, *, endpoints: int = 1, bot_id: UUID = SHARED_BOT_ID) -> GuildScope:
        scope = GuildScope(SYSTEM, bot_id, GUILD + number)
        insert_installation(self.database.admin, bot_id, scope.guild_id)
        for _ in range(endpoints):
            async with transaction(self.engine) as session:
                await insert_webhook(
                    session,
                    scope,
                    webhook_id=new_id(),
                    url="https://hooks.example.com/",
                    events=["case.edited"],
                    description=None,
                    created_by=SHARED_BOT_ID,
                    now=utc_now(),
                )
        return scope

    async def tell(self, scope: GuildScope, count: int = 1) -> None:
        for _ in range(count):
            await emit(self.engine, scope)

    async def take(
        self, lanes: int = 64, *, troubled_lanes: int = 32, at: datetime | None = None
    ) -> list[Taken]:
        async with transaction(self.engine) as session:
            return await take_due(session, now=at or self.now, lanes=lanes, troubled_lanes=troubled_lanes)

    async def settle(self, taken: Taken, attempt: Attempt, *, at: datetime | None = None) -> None:
        async with transaction(self.engine) as session:
            await settle(session, taken, attempt, now=at or self.now, spread=0)

    def ask(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database.admin, autocommit=True) as connection:
            cursor = connection.execute(statement, values)  # pyright: ignore[reportArgumentType]
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def outbox(as_api: AsyncEngine, database: Database) -> Outbox:
    return Outbox(as_api, database)


def servers(taken: list[Taken]) -> list[int]:
    return sorted(one.guild_id - GUILD for one in taken)


async def test_nothing_is_taken_before_it_is_due(outbox: Outbox) -> None:
    await outbox.tell(await outbox.server(1))
    assert await outbox.take(at=outbox.now - timedelta(minutes=5)) == []
    assert servers(await outbox.take()) == [1]


async def test_everybodys_first_goes_before_anybodys_second(outbox: Outbox) -> None:
    many, few = await outbox.server(1), await outbox.server(2)
    await outbox.tell(many, 20)
    await outbox.tell(few)
    assert servers(await outbox.take(lanes=2)) == [1, 2]


async def test_an_endpoint_and_a_tenant_have_their_bounds(outbox: Outbox) -> None:
    one, ten = await outbox.server(1), await outbox.server(2, endpoints=10)
    await outbox.tell(one, 10)
    await outbox.tell(ten, 3)
    taken = await outbox.take()
    assert servers(taken) == [1] * PER_ENDPOINT + [2] * PER_TENANT
    assert await outbox.take() == []
    first = next(one for one in taken if one.guild_id == GUILD + 1)
    await outbox.settle(first, DONE)
    assert servers(await outbox.take()) == [1]


async def test_a_branded_bot_is_one_tenant_whatever_its_servers(outbox: Outbox, database: Database) -> None:
    user_id = new_id()
    outbox.ask(
        "INSERT INTO users (id, email, email_key, created_at) VALUES (%s, 'a@b.de', 'a@b.de', now())",
        user_id,
    )
    bot_id = insert_bot(database.admin, str(user_id))
    for number in range(1, 13):
        await outbox.tell(await outbox.server(number, bot_id=bot_id))
    await outbox.tell(await outbox.server(20))
    outbox.ask("UPDATE bots SET suspended_at = now() WHERE id = %s", bot_id)
    assert servers(await outbox.take()) == [20], "what a suspended owner's bot has to tell waits"
    await outbox.tell(await outbox.server(21))
    outbox.ask("UPDATE bots SET suspended_at = NULL")
    taken = await outbox.take()
    assert len(taken) == PER_TENANT + 1
    assert 21 in servers(taken)


async def test_who_fails_or_is_slow_shares_the_lanes_of_its_like(outbox: Outbox) -> None:
    scopes = [await outbox.server(number) for number in range(1, 5)]
    for scope in scopes:
        await outbox.tell(scope)
    for taken, attempt in zip(await outbox.take(), (DONE, SLOW, FAILED, DONE), strict=True):
        await outbox.settle(taken, attempt)
    troubled = [
        row[0] for row in outbox.ask("SELECT guild_id FROM webhooks WHERE troubled_since IS NOT NULL")
    ]
    assert len(troubled) == 2
    for scope in scopes:
        await outbox.tell(scope)
    taken = await outbox.take(troubled_lanes=1)
    assert len(taken) == 3
    assert sum(one.troubled for one in taken) == 1
    slow = next(one for one in taken if one.troubled)
    await outbox.settle(slow, DONE)
    assert outbox.ask("SELECT count(*) FROM webhooks WHERE troubled_since IS NOT NULL") == [(1,)]


async def test_two_workers_never_take_the_same(outbox: Outbox) -> None:
    for number in range(1, 9):
        await outbox.tell(await outbox.server(number), 6)
    rounds = await asyncio.gather(*(outbox.take(lanes=12) for _ in range(6)))
    taken = [(one.webhook_id, one.event_id) for found in rounds for one in found]
    assert len(taken) == len(set(taken)) == 8 * PER_ENDPOINT


async def test_a_message_whose_worker_died_goes_to_the_next_when_its_time_is_over(outbox: Outbox) -> None:
    await outbox.tell(await outbox.server(1))
    (dead,) = await outbox.take()
    over = outbox.now + LEASE
    assert await outbox.take(at=over - timedelta(microseconds=1)) == []
    (living,) = await outbox.take(at=over)
    assert (living.event_id, living.attempts, dead.attempts) == (dead.event_id, 2, 1)
    # whom it was taken from says nothing any more
    await outbox.settle(dead, DONE, at=over)
    assert outbox.ask("SELECT state FROM webhook_deliveries") == [("waiting",)]
    await outbox.settle(living, FAILED, at=over)
    assert outbox.ask("SELECT state, outcome FROM webhook_deliveries") == [("waiting", "refused")]
    await outbox.settle(living, DONE, at=over)
    assert outbox.ask("SELECT outcome FROM webhook_deliveries") == [("refused",)]


async def test_a_crowded_way_costs_no_attempt(outbox: Outbox) -> None:
    await outbox.tell(await outbox.server(1))
    (taken,) = await outbox.take()
    async with transaction(outbox.engine) as session:
        await put_back(session, taken, now=outbox.now)
    assert await outbox.take() == []
    (again,) = await outbox.take(at=outbox.now + timedelta(seconds=1))
    assert again.attempts == 1


async def test_who_is_disabled_meanwhile_is_not_called_and_not_tried_again(outbox: Outbox) -> None:
    await outbox.tell(await outbox.server(1), 2)
    first, _ = await outbox.take()
    outbox.ask("UPDATE webhooks SET state = 'disabled', disabled_reason = 'by_hand', disabled_at = now()")
    await outbox.settle(first, FAILED)
    assert outbox.ask("SELECT state FROM webhook_deliveries ORDER BY state") == [("failed",), ("waiting",)]
    # the worker of the second has died: nobody waits for it for ever
    assert await outbox.take(at=outbox.now + LEASE - timedelta(seconds=1)) == []
    assert outbox.ask("SELECT count(*) FROM webhook_deliveries WHERE state = 'waiting'") == [(1,)]
    assert await outbox.take(at=outbox.now + LEASE) == []
    found = outbox.ask("SELECT state, outcome, claim FROM webhook_deliveries ORDER BY outcome")
    assert found == [("failed", "disabled", None), ("failed", "refused", None)]


async def test_a_deleted_endpoint_leaves_nothing_to_write_down(outbox: Outbox) -> None:
    await outbox.tell(await outbox.server(1))
    (taken,) = await outbox.take()
    outbox.ask("DELETE FROM webhooks")
    await outbox.settle(taken, DONE)
    assert outbox.ask("SELECT count(*) FROM webhook_deliveries") == [(0,)]


async def test_the_log_is_kept_for_30_days(outbox: Outbox) -> None:
    scope = await outbox.server(1)
    await outbox.tell(scope, 3)
    outbox.ask(
        "UPDATE webhook_deliveries d SET state = s.state, created_at = now() - s.age FROM ("
        "  SELECT event_id, row_number() OVER (ORDER BY event_id) AS n FROM webhook_deliveries) o"
        " JOIN (VALUES (1, 'delivered', interval '30 days'), (2, 'failed', interval '29 days 23 hours'),"
        "  (3, 'waiting', interval '31 days')) AS s(n, state, age) USING (n) WHERE d.event_id = o.event_id"
    )
    assert await forget_old_deliveries(outbox.engine) == 1
    left = outbox.ask("SELECT state FROM webhook_deliveries ORDER BY state")
    assert left == [("failed",), ("waiting",)]
