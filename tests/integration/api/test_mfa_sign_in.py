"""Signing in with a second factor: what is between the two opens nothing, and a code works once."""

import asyncio
import time
from datetime import UTC, datetime

import httpx
import pytest
import redis
from support.api import PASSWORD, browser, log_in, register, running_api
from support.mfa import MFA, App, actions, enable, first_step, forget_used, run
from support.stack import Database

from astero_api.features.mfa import service
from astero_api.web.edge import Edge
from astero_api.web.limits import Tiers

AT, RT = "__Host-astero_at", "__Host-astero_rt"
VERIFY = "/api/auth/mfa/verify"


@pytest.fixture
async def app(api: Edge, database: Database, valkey: str) -> App:
    """Ana's: two-step verification is on, and she is signed in nowhere else."""
    async with browser(api, address="198.51.100.250") as setting_up:
        await register(setting_up)
        await log_in(setting_up)
        found, _ = await enable(setting_up, database)
        await setting_up.post("/api/auth/logout")
    empty_limits(valkey)
    return found


def empty_limits(valkey: str) -> None:
    with redis.Redis.from_url(valkey) as operator:
        operator.flushall()


async def test_the_password_alone_signs_nobody_in(client: httpx.AsyncClient, app: App) -> None:
    answer = await client.post("/api/auth/login", json={"email": "ana@example.com", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json() == {"mfaRequired": True, "methods": ["totp", "recovery_code"]}
    (cookie,) = answer.headers.get_list("set-cookie")
    attributes = {part.strip() for part in cookie.split(";")[1:]}
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=300"} <= attributes
    assert cookie.split("=")[0] == MFA
    assert client.cookies[MFA] not in answer.text
    assert (await client.get("/api/auth/me")).status_code == 401


async def test_the_code_finishes_it(client: httpx.AsyncClient, app: App, database: Database) -> None:
    await first_step(client)
    answer = await client.post(VERIFY, json={"code": app.code()})
    assert answer.status_code == 200
    assert answer.json()["email"] == "ana@example.com"
    assert {AT, RT} == set(client.cookies)
    assert (await client.get("/api/auth/me")).status_code == 200
    ((amr,),) = run(database, "SELECT amr FROM sessions WHERE revoked_at IS NULL")
    assert amr == ["pwd", "otp", "mfa"]


async def test_the_pending_token_is_worthless_elsewhere(
    client: httpx.AsyncClient, app: App, database: Database
) -> None:
    await first_step(client)
    pending = client.cookies[MFA]
    for name in (MFA, AT, RT):
        client.cookies.clear()
        client.cookies.set(name, pending, domain="astero.test", path="/")
        assert (await client.get("/api/auth/me")).status_code == 401
        assert (await client.post("/api/auth/refresh")).status_code == 401
        assert (await client.post("/api/auth/mfa/enroll")).status_code == 401
        assert (await client.post("/api/auth/reauthenticate", json={"password": PASSWORD})).status_code == 401
        answer = await client.get("/api/auth/me", headers={"Authorization": f"Bearer {pending}"})
        assert answer.status_code == 401
    assert run(database, "SELECT 1 FROM sessions WHERE revoked_at IS NULL") == []


async def test_an_access_token_is_no_pending_one(client: httpx.AsyncClient, app: App, api: Edge) -> None:
    async with browser(api, address="198.51.100.7") as eve:
        await register(eve, "eve@example.com")
        await log_in(eve, "eve@example.com")
        client.cookies.set(MFA, eve.cookies[AT], domain="astero.test", path="/")
    answer = await client.post(VERIFY, json={"code": app.code()})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.unauthenticated")


async def test_every_kind_of_wrong_code_is_answered_alike(
    client: httpx.AsyncClient, api: Edge, app: App, database: Database, valkey: str
) -> None:
    async with browser(api, address="198.51.100.7") as eve:
        await register(eve, "eve@example.com")
        await log_in(eve, "eve@example.com")
        begun = await eve.post("/api/auth/mfa/enroll")
        hers = App(begun.json()["secret"])
        await eve.post("/api/auth/mfa/confirm", json={"code": hers.code()})
    await first_step(client)
    # asked for once: the next step may begin meanwhile
    present = app.code()
    assert (await client.post(VERIFY, json={"code": present})).status_code == 200
    wide = "".join(chr(ord(digit) - ord("0") + ord("０")) for digit in present)
    arabic = "".join(chr(ord(digit) - ord("0") + ord("٠")) for digit in present)
    hostile: list[dict[str, str]] = [
        {"code": code}
        for code in (
            app.wrong(), present, app.code(later=-2), app.code(later=2), wide, arabic, f"{present}0",
            f" {present}", f"{present}\n", "abcdef", "-12345", "1e5", "'; DROP TABLE users;--",
            hers.code(), "😀" * 6, "0" * 64,
        )
    ]  # fmt: skip
    hostile += [{"recoveryCode": text} for text in (present, "0" * 24, "ÄÖÜ", "-" * 40)]
    bodies: set[str] = set()
    for number, body in enumerate(hostile):
        empty_limits(valkey)
        async with browser(api, address=f"198.51.101.{number}") as thief:
            await first_step(thief)
            answer = await thief.post(VERIFY, json=body)
            assert answer.status_code == 401, body
            assert AT not in thief.cookies
            shown = answer.json()
            del shown["requestId"]
            bodies.add(str(shown))
    assert len(bodies) == 1
    assert "mfa.invalid_code" in bodies.pop()
    assert actions(database).count("mfa:code:refused") == len(hostile)


async def test_a_code_works_once_over_all_processes(
    api_environment: dict[str, str], app: App, database: Database
) -> None:
    async with (
        running_api(api_environment) as one,
        running_api(api_environment) as two,
        browser(one, address="198.51.100.1") as a,
        browser(two, address="198.51.100.2") as b,
        browser(one, address="198.51.100.3") as c,
        browser(two, address="198.51.100.4") as d,
    ):
        clients = (a, b, c, d)
        await asyncio.gather(*(first_step(client) for client in clients))
        code = app.code()
        answers = await asyncio.gather(*(client.post(VERIFY, json={"code": code}) for client in clients))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    assert run(database, "SELECT count(*) FROM sessions WHERE revoked_at IS NULL") == [(1,)]


async def test_one_pending_login_is_finished_once(
    client: httpx.AsyncClient, api: Edge, app: App, database: Database
) -> None:
    await first_step(client)
    pending = client.cookies[MFA]
    assert (await client.post(VERIFY, json={"code": app.code()})).status_code == 200
    forget_used(database)
    async with browser(api, address="198.51.100.9") as copy:
        copy.cookies.set(MFA, pending, domain="astero.test", path="/")
        answer = await copy.post(VERIFY, json={"code": app.code()})
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.unauthenticated")
        assert MFA not in copy.cookies


async def test_after_five_wrong_codes_the_login_begins_anew(
    client: httpx.AsyncClient, app: App, valkey: str
) -> None:
    await first_step(client)
    for _ in range(5):
        answer = await client.post(VERIFY, json={"code": app.wrong()})
        assert (answer.status_code, answer.json()["code"]) == (401, "mfa.invalid_code")
    empty_limits(valkey)
    answer = await client.post(VERIFY, json={"code": app.code()})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.unauthenticated")
    assert MFA not in client.cookies
    await first_step(client)
    assert (await client.post(VERIFY, json={"code": app.code()})).status_code == 200


async def test_the_fifth_code_may_be_right(client: httpx.AsyncClient, app: App) -> None:
    await first_step(client)
    for _ in range(4):
        assert (await client.post(VERIFY, json={"code": app.wrong()})).status_code == 401
    assert (await client.post(VERIFY, json={"code": app.code()})).status_code == 200


async def test_guesses_at_once_are_counted_one_by_one(
    api_environment: dict[str, str], app: App, database: Database
) -> None:
    """With the limits out of the way, the row alone lets five through."""
    wide = Tiers(factor=1000)
    async with (
        running_api(api_environment, tiers=wide) as edge,
        browser(edge, address="198.51.100.9") as thief,
    ):
        await first_step(thief)
        answers = await asyncio.gather(*(thief.post(VERIFY, json={"code": app.wrong()}) for _ in range(30)))
    codes = [answer.json()["code"] for answer in answers]
    assert codes.count("mfa.invalid_code") == 5
    assert codes.count("auth.unauthenticated") == 25
    assert run(database, "SELECT attempts FROM pending_logins") == [(5,)]


async def test_codes_are_counted_by_user_whatever_the_address(api: Edge, app: App) -> None:
    for number in range(5):
        async with browser(api, address=f"198.51.100.{number}") as thief:
            await first_step(thief)
            assert (await thief.post(VERIFY, json={"code": app.wrong()})).status_code == 401
    async with browser(api, address="198.51.100.77") as another:
        await first_step(another)
        answer = await another.post(VERIFY, json={"code": app.code()})
        assert answer.status_code == 429
        assert '"proof";q=5;w=300' in answer.headers["ratelimit-policy"]
        assert '"proof-ip";q=10;w=300' in answer.headers["ratelimit-policy"]


async def test_a_pending_login_lasts_five_minutes(
    client: httpx.AsyncClient, app: App, database: Database
) -> None:
    await first_step(client)
    run(database, "UPDATE pending_logins SET expires_at = now() - interval '1 second'")
    answer = await client.post(VERIFY, json={"code": app.code()})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.unauthenticated")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET token_version = token_version + 1",
        "UPDATE users SET status = 'suspended'",
        "DELETE FROM pending_logins",
    ],
)
async def test_what_happens_to_the_account_ends_its_pending_logins(
    client: httpx.AsyncClient, app: App, database: Database, change: str
) -> None:
    await first_step(client)
    run(database, change)
    answer = await client.post(VERIFY, json={"code": app.code()})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.unauthenticated")


@pytest.mark.parametrize(
    ("offset", "later", "status"),
    [
        (0.0, 0, 200),
        (0.0, -1, 200),
        (0.0, -2, 401),
        (0.0, 1, 401),
        (29.999, 0, 200),
        (29.999, 1, 401),
        (-0.001, 0, 401),
    ],
)
async def test_at_the_boundary_of_a_step(
    client: httpx.AsyncClient,
    app: App,
    monkeypatch: pytest.MonkeyPatch,
    offset: float,
    later: int,
    status: int,
) -> None:
    start = int(time.time()) // 30 * 30
    await first_step(client)
    monkeypatch.setattr(service, "utc_now", lambda: datetime.fromtimestamp(start + offset, UTC))
    answer = await client.post(VERIFY, json={"code": app.code(at=start, later=later)})
    assert answer.status_code == status


async def test_an_earlier_code_does_not_work_after_a_later_one(
    client: httpx.AsyncClient, api: Edge, app: App
) -> None:
    await first_step(client)
    assert (await client.post(VERIFY, json={"code": app.code()})).status_code == 200
    async with browser(api, address="198.51.100.9") as other:
        await first_step(other)
        assert (await other.post(VERIFY, json={"code": app.code(later=-1)})).status_code == 401


async def test_signing_in_ends_the_session_the_browser_had(
    client: httpx.AsyncClient, app: App, api: Edge, database: Database
) -> None:
    await first_step(client)
    assert (await client.post(VERIFY, json={"code": app.code()})).status_code == 200
    forget_used(database)
    before = (await client.get("/api/auth/sessions")).json()["items"]
    await first_step(client)
    assert (await client.get("/api/auth/me")).status_code == 200
    assert (await client.post(VERIFY, json={"code": app.code()})).status_code == 200
    after = (await client.get("/api/auth/sessions")).json()["items"]
    assert len(before) == len(after) == 1
    assert before[0]["id"] != after[0]["id"]


async def test_nobody_verifies_without_a_pending_login(client: httpx.AsyncClient, app: App) -> None:
    answer = await client.post(VERIFY, json={"code": app.code()})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.unauthenticated")
    for body in ({}, {"code": "123456", "recoveryCode": "x"}, {"code": None}, {"codes": []}):
        await first_step(client)
        assert (await client.post(VERIFY, json=body)).status_code == 422
