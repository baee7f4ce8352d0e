"""Guessing one account's password from everywhere slows the guessers, and never keeps its owner out."""

import asyncio
import time

import httpx
import pytest
import redis
from support.api import PASSWORD, browser, log_in, register
from support.log_capture import captured_log

from astero_api.features.sessions import attempts
from astero_api.web.edge import Edge

ANA = "ana@example.com"


async def guess(api: Edge, number: int, email: str = ANA, password: str = "wrong and long") -> httpx.Response:
    """One attempt from an address of its own."""
    async with browser(api, address=f"198.51.{number >> 8}.{number & 255}") as stranger:
        return await stranger.post("/api/auth/login", json={"email": email, "password": password})


async def statuses(api: Edge, numbers: range, email: str = ANA) -> list[int]:
    return [(await guess(api, number, email)).status_code for number in numbers]


async def test_the_eleventh_stranger_waits_and_the_owner_walks_in(
    api: Edge, client: httpx.AsyncClient
) -> None:
    await register(client)
    await log_in(client)
    begun = time.monotonic()
    assert await statuses(api, range(10)) == [401] * 10
    refused = await guess(api, 10)
    assert (refused.status_code, refused.json()["code"]) == (429, "auth.account_slowed")
    assert 899 - (time.monotonic() - begun) <= int(refused.headers["retry-after"]) <= 900
    # where it is not known that they are the owner the right password is not even looked at
    assert (await guess(api, 11, password=PASSWORD)).status_code == 429
    async with browser(api) as owner:
        await log_in(owner)
    # and while the attack goes on
    assert await statuses(api, range(12, 15)) == [429] * 3
    async with browser(api) as owner:
        await log_in(owner)


async def test_an_ended_session_still_tells_the_owner(api: Edge, client: httpx.AsyncClient) -> None:
    await register(client)
    await log_in(client)
    await client.post("/api/auth/logout-all")
    assert await statuses(api, range(10)) == [401] * 10
    await log_in(client)


async def test_a_neighbour_in_the_owners_network_is_the_owner_by_their_64(api: Edge) -> None:
    async with browser(api, address="2001:db8:1:2::1") as owner:
        await register(owner)
        await log_in(owner)
    assert await statuses(api, range(10)) == [401] * 10
    async with browser(api, address="2001:db8:1:2:aaaa::5") as owner:
        await log_in(owner)
    async with browser(api, address="2001:db8:1:3::1") as stranger:
        answer = await stranger.post("/api/auth/login", json={"email": ANA, "password": PASSWORD})
    assert answer.status_code == 429


async def test_accounts_that_do_not_exist_are_slowed_alike(api: Edge) -> None:
    assert await statuses(api, range(11), "nobody@example.org") == [401] * 10 + [429]
    # however it is spelled
    assert await statuses(api, range(11, 12), "NoBody@Example.ORG") == [429]
    assert await statuses(api, range(12, 13), "somebody@example.org") == [401]


async def test_of_many_that_race_ten_are_made(api: Edge) -> None:
    answers = await asyncio.gather(*(guess(api, number) for number in range(60)))
    made = [answer for answer in answers if answer.status_code != 429]
    # a pool that is full refuses some of the ten, which then count for nothing
    assert len(made) == 10 or any(answer.status_code == 503 for answer in made)
    assert sum(answer.status_code == 401 for answer in answers) <= 10


async def test_a_success_takes_nothing_from_the_account(api: Edge, client: httpx.AsyncClient) -> None:
    await register(client)
    for number in range(12):
        assert (await guess(api, number, password=PASSWORD)).status_code == 200


async def test_fifty_in_a_day_are_enough(api: Edge, valkey: str) -> None:
    with redis.Redis.from_url(valkey) as server:
        assert await statuses(api, range(1)) == [401]
        (key,) = server.scan_iter("api:login:account:*")
        (at,) = (score for _, score in server.zrange(key, 0, -1, withscores=True))
        assert ANA.encode() not in key
        hour = 3600 * 1_000_000
        server.zadd(key, {f"earlier-{number}": at - hour * (1 + number / 10) for number in range(49)})
        refused = await guess(api, 1)
        assert refused.status_code == 429
        # until the oldest of the fifty, of 5.8 hours ago, is a day old
        assert 65_000 < int(refused.headers["retry-after"]) < 65_600
        server.zremrangebyscore(key, "-inf", at - hour * 5.75)
        assert (await guess(api, 2)).status_code == 401


async def test_a_flood_is_told_once_a_minute(api: Edge, monkeypatch: pytest.MonkeyPatch, valkey: str) -> None:
    monkeypatch.setattr(attempts, "FLOOD", 5)
    with captured_log(service="api") as log:
        for number in range(8):
            await guess(api, number, f"user{number}@example.org")
    told = [line for line in log.lines if line["msg"] == "auth.login.flood"]
    assert [line["level"] for line in told] == [50]
    with redis.Redis.from_url(valkey) as server:
        assert 0 < server.ttl("api:login:failed") <= 60
        assert 0 < server.ttl("api:login:flood-told") <= 60
