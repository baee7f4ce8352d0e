"""Limits over several processes: exact under a race, and nobody pays for a request that was refused."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from redis.asyncio import Redis
from support.api import browser, running_api
from support.log_capture import captured_log

from astero_api.dashboard.static_files import STATIC
from astero_api.web.limits import RouteLimit, Tier, Tiers
from astero_api.web.rate_limit import LimitExceededError, RateLimiter, connect
from astero_sandbox.valkey import Valkey

TIERS = Tiers(everyone=Tier("global", 1000, 60), address=Tier("ip", 500, 60), user=Tier("user", 400, 60))
SLOW = 86_400


@pytest.fixture
async def workers(valkey: str, valkey_server: Valkey) -> AsyncIterator[list[RateLimiter]]:
    """Four, as four processes would be: nothing is shared but the server."""
    assert valkey
    clients: list[Redis] = [connect(valkey_server.url("api")) for _ in range(4)]
    yield [RateLimiter(client, tiers=TIERS, workers=4) for client in clients]
    for client in clients:
        await client.aclose()


@pytest.fixture
async def valkey_api(valkey: str, valkey_server: Valkey) -> AsyncIterator[Redis]:
    assert valkey
    async with connect(valkey_server.url("api")) as client:
        yield client


async def passes(
    limiter: RateLimiter, limit: RouteLimit, address: str = "a", user: str | None = None, route: str = ""
) -> bool:
    try:
        await limiter.charge(address=address, user=user, limit=limit, route=route)
    except LimitExceededError:
        return False
    return True


@pytest.mark.parametrize("strict", [True, False])
async def test_of_a_thousand_racing_requests_exactly_as_many_pass_as_may(
    workers: list[RateLimiter], strict: bool
) -> None:
    limit = RouteLimit(Tier("race", 7, SLOW, strict=strict))
    answers = await asyncio.gather(*(passes(workers[number % 4], limit) for number in range(1000)))
    assert answers.count(True) == 7


async def test_a_refused_request_is_charged_to_no_tier(workers: list[RateLimiter]) -> None:
    narrow, wide = RouteLimit(Tier("narrow", 1, SLOW)), RouteLimit(Tier("wide", 490, SLOW))
    assert await passes(workers[0], narrow)
    for _ in range(600):
        assert not await passes(workers[1], narrow)
    # the address has paid once, not 601 times, which would have been too often
    assert await passes(workers[2], wide)


async def test_the_headers_name_every_tier_but_the_sites(workers: list[RateLimiter]) -> None:
    limit = RouteLimit(Tier("read", 10, 60))
    headers = dict(await workers[0].charge(address="a", user="u", limit=limit))
    assert headers[b"ratelimit-policy"] == b'"ip";q=500;w=60, "user";q=400;w=60, "read";q=10;w=60'
    assert headers[b"ratelimit"] == b'"ip";r=499;t=1, "user";r=399;t=1, "read";r=9;t=6'


async def test_a_burst_is_only_a_part_of_what_a_period_holds(workers: list[RateLimiter]) -> None:
    limit = RouteLimit(Tier("bursts", 50, SLOW, burst=5))
    answers = await asyncio.gather(*(passes(workers[number % 4], limit) for number in range(100)))
    assert answers.count(True) == 5
    headers = dict(await workers[0].charge(address="b", user=None, limit=limit))
    assert headers[b"ratelimit-policy"].endswith(b', "bursts";q=50;w=86400;astero-burst=5')
    # the next is given back after a fiftieth of the day
    assert headers[b"ratelimit"].endswith(b', "bursts";r=4;t=1728')


async def test_routes_that_share_a_limit_may_count_each_for_itself(workers: list[RateLimiter]) -> None:
    shared, apart = RouteLimit(Tier("shared", 1, SLOW)), RouteLimit(Tier("apart", 1, SLOW), each_route=True)
    for limit, expected in ((shared, [True, False, False]), (apart, [True, True, False])):
        found = [await passes(workers[0], limit, route=route) for route in ("/a", "/b", "/a")]
        assert found == expected


async def test_only_what_goes_past_everyone_is_answered_when_the_site_is_full(valkey_api: Redis) -> None:
    tiers = Tiers(everyone=Tier("global", 1, SLOW))
    limiter = RateLimiter(valkey_api, tiers=tiers, workers=1)
    plain, past = RouteLimit(Tier("plain", 9, SLOW)), RouteLimit(Tier("past", 2, SLOW), past_everyone=True)
    assert await passes(limiter, plain, "a")
    with pytest.raises(LimitExceededError) as caught:
        await limiter.charge(address="b", user=None, limit=plain)
    # a refusal of the whole site names no tier: how busy it is is not told
    assert b"ratelimit" not in dict(caught.value.headers)
    assert [await passes(limiter, past, "b") for _ in range(3)] == [True, True, False]


async def test_a_limit_in_shadow_says_whom_it_would_refuse_and_refuses_nobody(valkey_api: Redis) -> None:
    tiers = Tiers(address=Tier("ip", 2, SLOW), shadow=frozenset({"ip", "tried"}))
    limiter = RateLimiter(valkey_api, tiers=tiers, workers=1)
    tried = RouteLimit(Tier("tried", 1, SLOW, strict=True), (Tier("in-force", 3, SLOW),))
    with captured_log() as log:
        answers = [await passes(limiter, tried) for _ in range(4)]
    assert answers == [True, True, True, False]
    told = [(line["msg"], line["tier"], line["wouldRefuse"]) for line in log.lines]
    assert told == [("limits.shadow", "tried", 1), ("limits.shadow", "ip", 1)]
    headers = dict(await limiter.charge(address="b", user=None, limit=tried))
    assert headers[b"ratelimit-policy"] == b'"in-force";q=3;w=86400'


async def test_users_and_addresses_are_counted_apart(workers: list[RateLimiter]) -> None:
    limit = RouteLimit(Tier("one", 1, SLOW))
    assert await passes(workers[0], limit, "a", "u")
    assert not await passes(workers[0], limit, "b", "u")
    assert await passes(workers[0], limit, "a", "v")
    assert await passes(workers[0], limit, "a")
    assert not await passes(workers[0], limit, "a")


async def test_signing_in_is_counted_by_address_whoever_asks(workers: list[RateLimiter]) -> None:
    limit = RouteLimit(Tier("login", 1, SLOW, strict=True), sign_in=True)
    assert await passes(workers[0], limit, "a", "u")
    assert not await passes(workers[0], limit, "a", "v")


async def test_waiting_as_long_as_told_is_enough(workers: list[RateLimiter], valkey: str) -> None:
    limit = RouteLimit(Tier("slow", 2, SLOW, strict=True))
    assert await passes(workers[0], limit)
    assert await passes(workers[0], limit)
    with pytest.raises(LimitExceededError) as caught:
        await workers[0].charge(address="a", user=None, limit=limit)
    wait = caught.value.retry_after
    assert wait is not None
    assert dict(caught.value.headers)[b"ratelimit"] == b'"slow";r=0;t=%d' % wait
    # as if the two had come so much earlier
    async with Redis.from_url(valkey) as operator:
        times = [int(at) - wait * 1_000_000 for at in await operator.lrange("api:limit:slow:a", 0, -1)]
        await operator.delete("api:limit:slow:a")
        await operator.rpush("api:limit:slow:a", *times)
    assert len(times) == 2
    assert await passes(workers[0], limit)


async def test_a_server_that_forgot_the_script_is_taught_again(
    workers: list[RateLimiter], valkey: str
) -> None:
    limit = RouteLimit(Tier("again", 2, SLOW))
    assert await passes(workers[0], limit)
    operator = Redis.from_url(valkey)
    await operator.script_flush()
    await operator.aclose()
    assert await passes(workers[0], limit)
    assert not await passes(workers[0], limit)


async def test_a_costly_route_takes_more_of_what_all_routes_share(workers: list[RateLimiter]) -> None:
    costly, plain = RouteLimit(Tier("costly", 100, SLOW), cost=60), RouteLimit(Tier("plain", 1000, SLOW))
    for _ in range(6):
        assert await passes(workers[0], costly, "c", "u")
    # 360 of the user's 400 are gone, and only six of the route's own hundred
    assert not await passes(workers[1], costly, "c", "u")
    assert await passes(workers[1], plain, "c", "u")
    headers = dict(await workers[2].charge(address="d", user="v", limit=costly))
    assert headers[b"ratelimit"].startswith(b'"ip";r=440;t=1, "user";r=340;t=1, "costly";r=99;')


async def test_a_user_is_counted_whatever_the_address_and_an_address_whoever_asks(
    workers: list[RateLimiter],
) -> None:
    limit = RouteLimit(
        Tier("proof", 2, SLOW, strict=True, whose="user"),
        (Tier("proof-ip", 3, SLOW, strict=True, whose="address"),),
        sign_in=True,
    )
    assert await passes(workers[0], limit, "a", "u")
    assert await passes(workers[1], limit, "b", "u")
    assert not await passes(workers[2], limit, "c", "u")
    assert await passes(workers[0], limit, "a", "v")
    # nobody signed in: only the address counts, and they are not one user together
    for address in ("a", "d", "e", "f"):
        assert await passes(workers[0], limit, address)
    assert not await passes(workers[1], limit, "a", "w")
    headers = dict(await workers[0].charge(address="c", user="w", limit=limit))
    assert b'"proof";q=2' in headers[b"ratelimit-policy"]
    assert b'"proof-ip";q=3' in headers[b"ratelimit-policy"]


def _waits(answer: httpx.Response) -> list[int]:
    """Every `t` that the RateLimit header names."""
    return [int(item.rpartition("t=")[2]) for item in answer.headers["ratelimit"].split(", ")]


async def test_an_address_may_ask_sixty_times_at_once_whatever_it_asks(client: httpx.AsyncClient) -> None:
    asked = (("GET", "/nothing"), ("OPTIONS", "/api/auth/me"), ("PUT", "/api/auth/me"), ("GET", "/"))
    answers = [await client.request(*asked[number % 4]) for number in range(60)]
    assert {answer.status_code for answer in answers} == {404, 204, 405, 200}
    policy = answers[-1].headers["ratelimit-policy"]
    assert policy == '"ip";q=300;w=60;astero-burst=60, "read";q=120;w=60'
    assert all(max(_waits(answer)) <= 1 for answer in answers)
    # and one more every fifth of a second
    while (answer := await client.get("/")).status_code == 200:
        pass
    assert answer.headers["ratelimit"] == '"ip";r=0;t=1'
    assert int(answer.headers["retry-after"]) == 1


async def test_who_is_refused_is_refused_unread_and_unasked(api_environment: dict[str, str]) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError
        yield b""

    tiers = Tiers(address=Tier("ip", 2, SLOW))
    async with running_api(api_environment, tiers=tiers) as edge, browser(edge) as client:
        # what leads nowhere counts too
        for _ in range(2):
            assert (await client.get("/nothing")).status_code == 404
        client.headers.update({"Accept-Language": "fr", "Content-Type": "text/plain", "Origin": "null"})
        for method, path in (
            ("POST", "/api/auth/login"),
            ("GET", "/api/auth/me"),
            ("OPTIONS", "/api/auth/me"),
            ("PUT", "/api/auth/me"),
            ("GET", "/nothing"),
            ("GET", f"{STATIC}/home.js"),
            ("GET", "/internal/bots"),
        ):
            answer = await client.request(method, path, content=body())
            assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited"), path
            assert answer.json()["type"].endswith("#quota-exceeded")
            assert len(answer.content) <= 512
            assert int(answer.headers["retry-after"]) >= max(_waits(answer)) > 0


async def test_the_operator_says_how_much_the_site_takes_and_what_is_only_tried_out(
    api_environment: dict[str, str],
) -> None:
    env = api_environment | {"RATE_LIMIT_GLOBAL_PER_MINUTE": "600", "RATE_LIMIT_SHADOW": "ip, read"}
    async with running_api(env) as edge, browser(edge) as client:
        answers = [await client.get(f"{STATIC}/home.js") for _ in range(130)]
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit-policy" not in answers[0].headers
