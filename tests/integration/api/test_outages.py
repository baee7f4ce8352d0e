"""PostgreSQL and Valkey go and come back while the api runs: 503 problems, then everything as before."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
import redis
import redis.asyncio
from support.api import browser, environment, log_in, register, running_api
from support.hosting import GUILD, insert_bot, insert_installation
from support.log_capture import captured_log
from support.proxy import Line
from support.stack import Database, migrate

from astero_api.web.security_headers import API_SECURITY_HEADERS
from astero_sandbox.part import Part
from astero_sandbox.servers import running_postgres, running_valkey


@dataclass(frozen=True)
class Servers:
    """Our own, because a test that stops the shared ones stops everybody's."""

    database: Database
    postgres: Part
    redis_url: str
    redis_admin_url: str
    valkey: Part


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with running_postgres() as postgres, running_valkey() as valkey:
        with psycopg.connect(postgres.server.url(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE outage")
        database = Database.on(postgres.server, "outage")
        migrate(database)
        yield Servers(database, postgres.part, valkey.server.url("api"), valkey.server.url(), valkey.part)


@pytest.fixture
async def client(servers: Servers) -> AsyncIterator[httpx.AsyncClient]:
    env = environment(database_url=servers.database.api, redis_url=servers.redis_url)
    async with running_api(env) as edge, browser(edge) as found:
        yield found


async def until(client: httpx.AsyncClient, method: str, path: str, status: int) -> httpx.Response:
    """The first answer with this status; every one before it must be a 503 problem."""
    while True:
        answer = await client.request(method, path, json={} if method == "PATCH" else None)
        if answer.status_code == status:
            return answer
        assert answer.status_code == 503, (answer.status_code, answer.text)
        assert int(answer.headers["retry-after"]) > 0
        await asyncio.sleep(0.1)


async def test_a_stopped_database_is_503_and_its_return_needs_nobody(
    client: httpx.AsyncClient, servers: Servers
) -> None:
    user = await register(client, "database@example.com")
    await log_in(client, "database@example.com")
    bot_id = insert_bot(servers.database.admin, user["id"])
    insert_installation(servers.database.admin, bot_id)
    settings = f"/api/bots/{bot_id}/guilds/{GUILD}/modules/automod"
    # connections of both pools are open when the server goes
    before = await client.get(settings)
    assert (await client.get(f"/api/bots/{bot_id}/guilds")).status_code == 200
    assert (await client.patch(settings, json={})).status_code == 200
    await asyncio.to_thread(servers.postgres.stop)
    for method, path in (
        ("GET", settings),
        ("PATCH", settings),
        ("GET", f"/api/bots/{bot_id}/guilds"),
        ("GET", "/api/auth/me"),
        ("POST", "/api/auth/refresh"),
        ("GET", "/api/health/ready"),
    ):
        answer = await client.request(method, path, json={} if method == "PATCH" else None)
        assert answer.status_code == 503, (method, path, answer.text)
        assert answer.json()["code"] == "unavailable"
    assert (await client.get("/api/health/live")).status_code == 200
    await asyncio.to_thread(servers.postgres.start)
    await asyncio.to_thread(servers.postgres.wait_ready)
    assert (await until(client, "GET", settings, 200)).content == before.content
    await until(client, "PATCH", settings, 200)
    await until(client, "GET", f"/api/bots/{bot_id}/guilds", 200)
    # nothing of it was lost, and the session still stands
    assert (await client.get("/api/auth/me")).json()["id"] == user["id"]


async def test_a_stopped_redis_ends_sign_ins_alone_and_comes_back_by_itself(
    client: httpx.AsyncClient, servers: Servers
) -> None:
    await register(client, "redis@example.com")
    await log_in(client, "redis@example.com")
    with captured_log() as log:
        await asyncio.to_thread(servers.valkey.stop)
        going_on = await client.get("/api/auth/me")
        assert (going_on.status_code, going_on.headers["ratelimit-degraded"]) == (200, "?1")
        # bounded here meanwhile: sixty at once, and what comes back while they are answered
        begun = time.monotonic()
        answers = await asyncio.gather(*(client.get("/") for _ in range(300)))
        refused = [answer for answer in answers if answer.status_code == 429]
        come_back = 5 * (time.monotonic() - begun)
        assert 59 <= len(answers) - len(refused) <= 61 + come_back
        assert refused[0].headers["ratelimit-degraded"] == "?1"
        assert int(refused[0].headers["retry-after"]) > 0
        closed = await client.post("/api/auth/refresh")
        assert closed.status_code == 503
        for name, value in API_SECURITY_HEADERS:
            assert closed.headers.get_list(name.decode()) == [value.decode()]
        assert int(closed.headers["retry-after"]) > 0
        await asyncio.to_thread(servers.valkey.start)
        await asyncio.to_thread(servers.valkey.wait_ready)
        await until(client, "POST", "/api/auth/refresh", 204)
        back = await client.get("/api/auth/me")
    assert "ratelimit" in back.headers
    assert "ratelimit-degraded" not in back.headers
    told = [line for line in log.lines if line["msg"].startswith("limits.")]
    assert [line["msg"] for line in told] == ["limits.degraded", "limits.restored"]
    assert (told[1]["passed"], told[1]["refused"]) == (301 - len(refused), len(refused))
    assert told[1]["closed"] >= 1


def be_patient(client: redis.asyncio.Redis, seconds: float) -> None:
    """How long it waits for an answer from now on."""
    pool = client.connection_pool
    pool.connection_kwargs["socket_timeout"] = seconds
    for connection in pool._available_connections:
        connection.socket_timeout = seconds


async def test_a_redis_that_does_not_answer_holds_nobody_up(servers: Servers) -> None:
    line = await Line(servers.redis_url).start()
    env = environment(database_url=servers.database.api, redis_url=line.through)
    async with running_api(env) as edge, browser(edge) as client:

        def ask(count: int) -> list[asyncio.Task[httpx.Response]]:
            return [asyncio.create_task(client.get("/")) for _ in range(count)]

        state: Any = edge.litestar.state
        assert (await client.get("/")).status_code == 200
        # sooner than deployed, for the sake of this test's own time
        be_patient(state.redis, 0.4)
        asked = line.round_trips
        servers.valkey.signal(signal.SIGSTOP)
        try:
            together = ask(10)
            while line.round_trips == asked:  # noqa: ASYNC110 - the line tells nobody
                await asyncio.sleep(0)
            together += ask(10)
            assert {answer.status_code for answer in await asyncio.gather(*together)} == {200}
            # once, for those who wait together: not one after another, nor twice
            assert line.round_trips == asked + 1
            # from then on all but one a second are decided at once, however long that one waits
            be_patient(state.redis, 60)
            edge._limiter._paused_until = time.monotonic()  # pyright: ignore[reportAttributeAccessIssue]
            later = set(ask(20))
            while len(later) > 1:
                done, later = await asyncio.wait(later, return_when=asyncio.FIRST_COMPLETED)
                assert {task.result().status_code for task in done} == {200}
            while line.round_trips < asked + 2:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0)
            assert (await client.post("/api/auth/refresh")).status_code == 503
            assert not next(iter(later)).done()
            assert line.round_trips == asked + 2
        finally:
            servers.valkey.signal(signal.SIGCONT)
        assert (await later.pop()).status_code == 200
        await until(client, "POST", "/api/auth/refresh", 401)
    await line.close()


async def test_a_flushed_redis_signs_nobody_in_and_nobody_out(
    client: httpx.AsyncClient, servers: Servers
) -> None:
    await register(client, "flush@example.com")
    await log_in(client, "flush@example.com")
    ended = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    await client.post("/api/auth/logout-all")
    await log_in(client, "flush@example.com")
    with redis.Redis.from_url(servers.redis_admin_url) as admin:
        admin.flushall()
    assert (await client.get("/api/auth/me")).status_code == 200
    client.cookies.clear()
    assert (await client.get("/api/auth/me", headers={"Cookie": ended})).status_code == 401
    assert (await client.post("/api/auth/refresh", headers={"Cookie": ended})).status_code == 401
