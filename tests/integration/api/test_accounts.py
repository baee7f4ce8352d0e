"""Making an account and signing in."""

import asyncio

import bcrypt
import httpx
import psycopg
import pytest
from support.api import PASSWORD, browser, log_in, register, running_api
from support.stack import Database

from astero_api.web.edge import Edge
from astero_shared.errors import UnavailableError


async def test_a_new_user_registers_logs_in_and_is_known(client: httpx.AsyncClient) -> None:
    user = await register(client)
    assert user["email"] == "ana@example.com"
    assert "set-cookie" not in (await client.get("/api/auth/me")).headers
    assert (await client.get("/api/auth/me")).status_code == 401
    await log_in(client)
    me = await client.get("/api/auth/me")
    assert me.status_code == 200
    assert me.json() == {
        "id": user["id"],
        "email": "ana@example.com",
        "emailVerified": False,
        "displayName": None,
        "locale": "en",
    }


async def test_tokens_travel_in_strict_cookies_only(client: httpx.AsyncClient) -> None:
    await register(client)
    answer = await client.post("/api/auth/login", json={"email": "ana@example.com", "password": PASSWORD})
    cookies = answer.headers.get_list("set-cookie")
    assert {cookie.split("=", 1)[0] for cookie in cookies} == {"__Host-astero_at", "__Host-astero_rt"}
    for cookie in cookies:
        attributes = {part.strip() for part in cookie.split(";")[1:]}
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= attributes
        assert not any(part.startswith("Domain") for part in attributes)
        value = cookie.split(";")[0].split("=", 1)[1]
        assert value not in answer.text


async def test_the_password_is_stored_as_a_peppered_bcrypt_hash(
    client: httpx.AsyncClient, database: Database
) -> None:
    await register(client)
    with psycopg.connect(database.admin) as connection:
        row = connection.execute("SELECT password_hash FROM users").fetchone()
    assert row is not None
    assert row[0].startswith("$2b$")
    assert row[0].endswith("$p1")


async def test_an_older_hash_is_made_anew_at_a_login_when_there_is_time(
    api_environment: dict[str, str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> str:
        with psycopg.connect(database.admin) as connection:
            (found,) = connection.execute("SELECT left(password_hash, 7) FROM users").fetchall()
        return found[0]

    def busy(*_: bytes) -> bytes:
        raise UnavailableError(code="auth.busy", retry_after=5)

    async with running_api(api_environment) as edge, browser(edge) as client:
        await register(client)
    assert stored() == "$2b$04$"
    async with running_api(api_environment, bcrypt_cost=5) as edge, browser(edge) as client:
        with monkeypatch.context() as patched:
            patched.setattr(bcrypt, "hashpw", busy)
            await log_in(client)
        assert stored() == "$2b$04$"
        await log_in(client)
        assert stored() == "$2b$05$"
        await log_in(client)


async def test_one_address_has_one_account_also_when_two_ask_at_once(api: Edge, database: Database) -> None:
    async with browser(api) as one, browser(api, address="203.0.113.8") as two:
        bodies = [
            {"email": "Ana@Example.com", "password": PASSWORD},
            {"email": "ana@example.COM", "password": PASSWORD},
        ]
        answers = await asyncio.gather(
            one.post("/api/auth/register", json=bodies[0]),
            two.post("/api/auth/register", json=bodies[1]),
        )
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    with psycopg.connect(database.admin) as connection:
        assert connection.execute("SELECT email_key FROM users").fetchall() == [("ana@example.com",)]


async def test_what_cannot_be_registered_is_pointed_at(client: httpx.AsyncClient) -> None:
    for change, pointer, code in (
        ({"email": "nobody"}, "/email", "accounts.email_invalid"),
        ({"password": "short"}, "/password", "accounts.password_length"),
        ({"password": "é" * 600}, "/password", "accounts.password_length"),
        ({"password": "x" * 1025}, "/password", "too_long"),
        ({"password": "Passw0rd!2026"}, "/password", "accounts.password_weak"),
        ({"password": "ana@example.com!"}, "/password", "accounts.password_weak"),
        ({"password": "bravenewworld"}, "/password", "accounts.password_weak"),
        ({"password": "пароль"}, "/password", "accounts.password_weak"),
        ({"role": "admin"}, "/role", "unknown"),
        ({"locale": "de"}, "/locale", "not_allowed"),
        ({"displayName": "a\nb"}, "/displayName", "pattern"),
        ({"displayName": "   "}, "/displayName", "names.hidden"),
        ({"displayName": "An\u200ba Doe"}, "/displayName", "names.hidden"),
        ({"displayName": "Ana \u202eeoD"}, "/displayName", "names.hidden"),
    ):
        answer = await client.post(
            "/api/auth/register", json={"email": "ana@example.com", "password": PASSWORD} | change
        )
        assert answer.status_code == 422, change
        assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
        for value in change.values():
            assert value not in answer.text or len(value) < 6


async def test_every_byte_of_a_long_password_counts(client: httpx.AsyncClient) -> None:
    long = "zq" * 100
    body = {"email": "ana@example.com", "password": f"correct horse battery {long}1"}
    assert (await client.post("/api/auth/register", json=body)).status_code == 202
    wrong = await client.post("/api/auth/login", json=body | {"password": body["password"][:-1] + "2"})
    assert wrong.status_code == 401
    assert (await client.post("/api/auth/login", json=body)).status_code == 200


async def test_every_kind_of_wrong_login_is_answered_alike(
    client: httpx.AsyncClient, database: Database
) -> None:
    await register(client)
    await register(client, "sleeping@example.com")
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute("UPDATE users SET status = 'suspended' WHERE email_key LIKE 'sleeping%'")
    answers = [
        await client.post("/api/auth/login", json={"email": email, "password": password})
        for email, password in (
            ("ana@example.com", "wrong-password"),
            ("unknown@example.com", PASSWORD),
            ("sleeping@example.com", PASSWORD),
        )
    ]
    bodies = [answer.json() for answer in answers]
    for body in bodies:
        del body["requestId"]
    assert {answer.status_code for answer in answers} == {401}
    assert bodies[0]["code"] == "auth.invalid_credentials"
    assert bodies[0] == bodies[1] == bodies[2]
    assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1


async def test_the_sixth_login_from_an_address_is_refused_whoever_it_is_for(api: Edge) -> None:
    async with browser(api) as client, browser(api, address="203.0.113.99") as elsewhere:
        await register(client)
        for _ in range(5):
            await log_in(client)
        refused = await client.post(
            "/api/auth/login", json={"email": "other@example.com", "password": PASSWORD}
        )
        assert refused.status_code == 429
        assert refused.json()["code"] == "rate_limited"
        assert 0 < int(refused.headers["retry-after"]) <= 900
        assert '"login";q=5;w=900' in refused.headers["ratelimit-policy"]
        await log_in(elsewhere)


async def test_addresses_of_one_ipv6_customer_share_their_logins(api: Edge) -> None:
    async with browser(api, address="2001:db8::1") as one, browser(api, address="2001:db8::2") as two:
        await register(one)
        for client in (one, two, one, two, one):
            await log_in(client)
        answer = await two.post("/api/auth/login", json={"email": "a@b.cd", "password": PASSWORD})
        assert answer.status_code == 429
