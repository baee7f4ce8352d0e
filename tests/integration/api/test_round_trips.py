"""What a request costs: one round trip to Redis, one to PostgreSQL, and nothing more while it goes well."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import redis
from support.api import browser, log_in, register, running_api
from support.proxy import Line

WARM = 30  # until the statements are prepared and the script is known


@dataclass(frozen=True)
class Counted:
    client: httpx.AsyncClient
    redis: Line
    database: Line


@pytest.fixture
async def counted(api_environment: dict[str, str]) -> AsyncIterator[Counted]:
    redis_line = await Line(api_environment["REDIS_URL"]).start()
    database_line = await Line(api_environment["DATABASE_URL"]).start()
    env = api_environment | {"REDIS_URL": redis_line.through, "DATABASE_URL": database_line.through}
    async with running_api(env) as edge, browser(edge) as client:
        await register(client)
        await log_in(client)
        yield Counted(client, redis_line, database_line)
    await redis_line.close()
    await database_line.close()


def commands(valkey: str) -> int:
    """How many a client has sent since the server began; those that a script runs are not sent."""
    with redis.Redis.from_url(valkey) as server:
        return server.info("commandstats")["cmdstat_evalsha"]["calls"]


async def test_an_authenticated_request_is_one_of_each(counted: Counted, valkey: str) -> None:
    for _ in range(WARM):
        assert (await counted.client.get("/api/auth/me")).status_code == 200
    before = counted.redis.round_trips, counted.database.round_trips, commands(valkey)
    for _ in range(20):
        assert (await counted.client.get("/api/auth/me")).status_code == 200
    assert counted.redis.round_trips - before[0] == 20
    assert counted.database.round_trips - before[1] == 20
    assert commands(valkey) - before[2] == 20


@pytest.mark.parametrize(
    ("path", "status"), [("/api/health/live", 200), ("/nothing", 404), ("/api/bots", 401)]
)
async def test_a_strangers_request_asks_redis_alone(counted: Counted, path: str, status: int) -> None:
    counted.client.cookies.clear()
    for _ in range(3):
        await counted.client.get(path)
    before = counted.redis.round_trips, counted.database.round_trips
    for _ in range(10):
        assert (await counted.client.get(path)).status_code == status
    assert counted.redis.round_trips - before[0] == 10
    assert counted.database.round_trips == before[1]


async def test_a_login_asks_redis_once_more_before_the_hash(counted: Counted) -> None:
    """For its account, which is named in the body; docs/adr/0006 says why not in the same call."""
    body = {"email": "ana@example.com", "password": "wrong and long"}
    await counted.client.post("/api/auth/login", json=body)
    before = counted.redis.round_trips
    assert (await counted.client.post("/api/auth/login", json=body)).status_code == 401
    assert counted.redis.round_trips - before == 2


async def test_who_is_over_the_limit_costs_no_database(counted: Counted) -> None:
    body = {"email": "ana@example.com", "password": "wrong and long"}
    while (await counted.client.post("/api/auth/login", json=body)).status_code != 429:
        pass
    before = counted.redis.round_trips, counted.database.round_trips
    assert (await counted.client.post("/api/auth/login", json=body)).status_code == 429
    assert counted.redis.round_trips - before[0] == 1
    assert counted.database.round_trips == before[1]
