"""Limits over several processes: exact under a race, and nobody pays for a request that was refused."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

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


async def passes(
    limiter: RateLimiter, limit: RouteLimit, address: str = "a", user: str | None = None
) -> bool:
    try:
        await limiter.charge(address=address, user=user, limit=limit)
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


async def test_waiting_as_long_as_told_is_enough(workers: list[RateLimiter]) -> None:
    limit = RouteLimit(Tier("quick", 2, 1, strict=True))
    assert await passes(workers[0], limit)
    assert await passes(workers[0], limit)
    with pytest.raises(LimitExceededError) as caught:
        await workers[0].charge(address="a", user=None, limit=limit)
    assert caught.value.retry_after is not None
    await asyncio.sleep(caught.value.retry_after)
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
    assert headers[b"ratelimit"].startswith(b'"ip";r=440;t=8, "user";r=340;t=9, "costly";r=99;')


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
