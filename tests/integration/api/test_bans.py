"""An address that is shut out gets one answer to everything, and everybody else none of it."""

from collections.abc import Iterator

import httpx
import pytest
import redis
from support.api import browser, log_in, register

from astero_api.web.edge import Edge
from astero_shared.features.bans.rules import keys_of_ban, network_to_ban

BANNED = "203.0.113.7"  # the address of the `client` fixture


@pytest.fixture
def bans(valkey: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey) as client:
        yield client


def ban(bans: redis.Redis, address: str) -> None:
    for key in keys_of_ban(network_to_ban(address)):
        bans.set(key, "operator", ex=600)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/health/live"),
        ("GET", "/api/auth/me"),
        ("POST", "/api/auth/login"),
        ("POST", "/api/auth/logout"),
        ("OPTIONS", "/api/auth/me"),
        ("DELETE", "/api/health/live"),
        ("GET", "/nothing"),
        ("GET", "/internal/bots"),
    ],
)
async def test_whatever_is_asked_is_answered_alike(
    client: httpx.AsyncClient, bans: redis.Redis, method: str, path: str
) -> None:
    ban(bans, BANNED)
    # not even the other checks are told: this body would be a 415, this origin another 403
    answer = await client.request(method, path, headers={"Origin": "null", "Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.banned")
    assert "ratelimit" not in answer.headers


async def test_a_session_does_not_help(client: httpx.AsyncClient, bans: redis.Redis) -> None:
    await register(client)
    await log_in(client)
    ban(bans, "203.0.113.0/24")
    assert (await client.get("/api/auth/me")).json()["code"] == "auth.banned"
    bans.flushall()
    assert (await client.get("/api/auth/me")).status_code == 200


async def test_the_refused_are_not_charged_and_others_go_on(api: Edge, bans: redis.Redis) -> None:
    ban(bans, "2001:db8:1:2::9")
    async with browser(api, address="2001:db8:1:2::77") as shut_out:
        for _ in range(3):
            assert (await shut_out.get("/api/health/live")).status_code == 403
    assert not list(bans.scan_iter("api:limit:*"))
    async with browser(api, address="2001:db8:1:3::77") as neighbour:
        assert (await neighbour.get("/api/health/live")).status_code == 200


async def test_what_was_banned_for_a_time_comes_back(client: httpx.AsyncClient, bans: redis.Redis) -> None:
    ban(bans, BANNED)
    (key,) = keys_of_ban(network_to_ban(BANNED))
    bans.pexpire(key, 1)
    while bans.exists(key):
        pass
    assert (await client.get("/api/health/live")).status_code == 200
