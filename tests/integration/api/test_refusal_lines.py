"""Whoever tries to get past a control leaves a line that says who, what and where; an honest client none."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import redis
from support.api import PASSWORD, browser, log_in, register
from support.hosting import insert_bot, insert_installation
from support.log_capture import CapturedLog, captured_log
from support.stack import Database

from astero_api.web.cookies import ACCESS_COOKIE
from astero_api.web.edge import Edge
from astero_shared.ids import new_id

FORGED = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0." + "A" * 43


@pytest.fixture
def log() -> Iterator[CapturedLog]:
    with captured_log(service="api") as captured:
        yield captured


@pytest.fixture
async def eve(api: Edge) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(api, address="203.0.113.66") as other:
        yield other


class Told:
    """What is told of each request in turn, which all come from one address."""

    def __init__(self, log: CapturedLog, client: httpx.AsyncClient) -> None:
        self._log = log
        self._client = client
        self._seen = 0

    async def of(self, method: str, path: str, status: int, **options: Any) -> list[dict[str, Any]]:
        answer = await self._client.request(method, path, **options)
        assert answer.status_code == status, answer.text
        new, self._seen = self._log.lines[self._seen :], len(self._log.lines)
        return [line for line in new if "event" in line]


async def test_each_kind_of_attempt_is_told_of(
    client: httpx.AsyncClient, eve: httpx.AsyncClient, database: Database, log: CapturedLog
) -> None:
    ana = (await register(client))["id"]
    me = (await register(eve, "eve@example.com"))["id"]
    theirs, mine = (insert_bot(database.admin, owner, application_id=n) for n, owner in enumerate((ana, me)))
    insert_installation(database.admin, mine, 9)
    honest = Told(log, client)
    await log_in(client)
    for method, path, status in (
        ("GET", "/api/auth/me", 200),
        ("GET", f"/api/bots/{new_id()}", 404),
        ("GET", "/nowhere", 404),
        ("POST", "/api/auth/logout", 204),
        ("GET", "/api/auth/me", 401),
        ("POST", "/api/auth/refresh", 401),
    ):
        assert await honest.of(method, path, status) == [], path
    told = Told(log, eve)
    wrong = {"email": "ana@example.com", "password": "another-four-words"}
    (line,) = await told.of("POST", "/api/auth/login", 401, json=wrong)
    assert list(line)[:4] == ["level", "time", "event", "ip"]
    assert (line["event"], line["ip"], line["level"]) == ("auth.login.failed", "203.0.113.66", 40)
    assert (line["method"], line["url"], line["code"]) == (
        "POST",
        "/api/auth/login",
        "auth.invalid_credentials",
    )
    await log_in(eve, "eve@example.com")
    webhooks = f"/api/bots/{mine}/guilds/9/webhooks"
    metadata = {"url": "https://169.254.169.254/", "events": ["case.opened"]}
    json_type = {"Content-Type": "application/json"}
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    key = {"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}
    signed = {"clientDataJSON": "AA", "authenticatorData": "AA", "signature": "AA"}
    for method, path, status, options, event in (
        ("GET", f"/api/bots/{theirs}", 404, {}, "authz.tenant.refused"),
        ("POST", f"/api/bots/{theirs}/stop", 404, {}, "authz.tenant.refused"),
        ("GET", f"/api/bots/{theirs}/guilds/9/modules", 404, {}, "authz.tenant.refused"),
        ("POST", "/api/bots", 403, {"headers": elsewhere}, "csrf.refused"),
        ("POST", "/api/bots", 422, {"json": {"token": "x", "admin": True}}, "input.refused"),
        ("POST", "/api/bots", 400, {"content": "{", "headers": json_type}, "input.refused"),
        ("POST", "/api/bots", 415, {"content": "a=b"}, "input.refused"),
        ("POST", webhooks, 422, {"json": metadata}, "ssrf.refused"),
        ("GET", "/%69nternal/bots", 404, {}, "internal.refused"),
        ("POST", "/api/auth/reauthenticate", 401, {"json": {"password": "x"}}, "auth.proof.failed"),
        ("POST", "/api/auth/reauthenticate", 401, {"json": {"code": "123456"}}, "auth.mfa.failed"),
        (
            "POST", "/api/auth/passkeys/sign-in", 401,
            {"json": {"credential": key | {"response": signed}}}, "auth.passkey.failed",
        ),
    ):  # fmt: skip
        lines = await told.of(method, path, status, **options)
        assert [one["event"] for one in lines] == [event], (method, path)
        if event != "internal.refused":
            assert lines[0]["user"] == me
    assert log.lines[-1]["msg"] == "auth.passkey.failed"
    tenant = [one for one in log.lines if one.get("event") == "authz.tenant.refused"]
    assert [one["bot"] for one in tenant] == [str(theirs)] * 3


async def test_who_is_shut_out_or_too_fast_or_brings_a_forged_token_is_told_of(
    eve: httpx.AsyncClient, valkey: str, log: CapturedLog
) -> None:
    told = Told(log, eve)
    for token, reason in ((FORGED, "header"), ("x", "form"), ("x" * 5000, "size")):
        (line,) = await told.of("GET", "/api/auth/me", 401, headers={"Cookie": f"{ACCESS_COOKIE}={token}"})
        assert (line["event"], line["kind"], line["reason"]) == ("auth.token.refused", "access", reason)
        assert token not in log.text or token == "x"
    login = {"email": "ana@example.com", "password": PASSWORD}
    for _ in range(5):
        await told.of("POST", "/api/auth/login", 401, json=login)
    (line,) = await told.of("POST", "/api/auth/login", 429, json=login)
    assert (line["event"], line["code"]) == ("limit.refused", "rate_limited")
    with redis.Redis.from_url(valkey) as server:
        server.set("api:ban:203.0.113.66", "1")
    flood = [await told.of("GET", "/api/auth/me", 403) for _ in range(30)]
    assert [one["event"] for lines in flood for one in lines] == ["ban.refused"] * 10
