"""What changes how one signs in, or cannot be undone, asks for a proof of at most five minutes ago."""

from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from support import hosting
from support.api import PASSWORD, browser, log_in, register, running_api
from support.stack import Database

from astero_api.web import access
from astero_api.web.edge import Edge

STALE = "auth.reauthentication_required"
AT = "__Host-astero_at"


@pytest.fixture
async def ana(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await register(client)
    await log_in(client)
    return client


def run(database: Database, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def insert_bot(database: Database) -> str:
    """The path of a bot of hers."""
    ((user_id,),) = run(database, "SELECT id FROM users")
    return f"/api/bots/{hosting.insert_bot(database.admin, user_id)}"


def age_proof(database: Database, seconds: float) -> None:
    run(database, "UPDATE sessions SET authenticated_at = now() - make_interval(secs => %s)", seconds)


@pytest.mark.parametrize(("over", "status"), [(timedelta(0), 204), (timedelta(microseconds=1), 403)])
async def test_a_proof_counts_for_five_minutes(
    ana: httpx.AsyncClient,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    over: timedelta,
    status: int,
) -> None:
    bot = insert_bot(database)
    age_proof(database, 60)
    ((proved_at,),) = run(database, "SELECT authenticated_at FROM sessions")
    monkeypatch.setattr(access, "utc_now", lambda: proved_at + timedelta(minutes=5) + over)
    answer = await ana.delete(bot)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == STALE
        assert "/api/auth/reauthenticate" in answer.json()["detail"]
        assert (await ana.get(bot)).status_code == 200


async def test_a_proof_from_the_future_counts_nothing(ana: httpx.AsyncClient, database: Database) -> None:
    bot = insert_bot(database)
    age_proof(database, -3600)
    assert (await ana.delete(bot)).status_code == 403


async def test_the_password_renews_it(ana: httpx.AsyncClient, database: Database) -> None:
    bot = insert_bot(database)
    age_proof(database, 301)
    assert (await ana.put(f"{bot}/token", json={"token": "x"})).json()["code"] == STALE
    before = ana.cookies[AT]
    answer = await ana.post("/api/auth/reauthenticate", json={"password": PASSWORD})
    assert answer.status_code == 204
    assert not answer.content
    assert ana.cookies[AT] != before
    assert (await ana.delete(bot)).status_code == 204
    actions = run(database, "SELECT action FROM audit_entries ORDER BY id")
    assert ("session:session:reauthenticated",) in actions


async def test_an_older_token_of_the_session_stays_old(ana: httpx.AsyncClient, database: Database) -> None:
    """Whoever has a copy of the cookie from before gains nothing by the owner's proof."""
    bot = insert_bot(database)
    age_proof(database, 301)
    assert (await ana.post("/api/auth/refresh")).status_code == 204
    copy = ana.cookies[AT]
    assert (await ana.post("/api/auth/reauthenticate", json={"password": PASSWORD})).status_code == 204
    renewed = ana.cookies[AT]
    ana.cookies.set(AT, copy, domain="astero.test", path="/")
    assert (await ana.get(bot)).status_code == 200
    assert (await ana.delete(bot)).json()["code"] == STALE
    ana.cookies.set(AT, renewed, domain="astero.test", path="/")
    assert (await ana.delete(bot)).status_code == 204


async def test_a_refresh_proves_nothing(ana: httpx.AsyncClient, database: Database) -> None:
    bot = insert_bot(database)
    age_proof(database, 301)
    assert (await ana.post("/api/auth/refresh")).status_code == 204
    assert (await ana.delete(bot)).status_code == 403


async def test_signing_in_is_a_proof(ana: httpx.AsyncClient, database: Database) -> None:
    bot = insert_bot(database)
    age_proof(database, 301)
    await log_in(ana)
    assert (await ana.delete(bot)).status_code == 204


async def test_a_wrong_password_renews_nothing_and_is_counted_by_user(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    bot = insert_bot(database)
    age_proof(database, 301)
    cookies = dict(ana.cookies)
    for number in range(5):
        async with browser(api, address=f"198.51.100.{number}") as thief:
            thief.cookies.update(cookies)
            answer = await thief.post("/api/auth/reauthenticate", json={"password": "not-hers-at-all"})
            assert (answer.status_code, answer.json()["code"]) == (401, "auth.password_wrong")
            assert "set-cookie" not in answer.headers
    refused = await ana.post("/api/auth/reauthenticate", json={"password": PASSWORD})
    assert refused.status_code == 429
    assert '"proof";q=5;w=300' in refused.headers["ratelimit-policy"]
    assert (await ana.delete(bot)).status_code == 403
    assert (await ana.get("/api/auth/me")).status_code == 200


async def test_an_account_without_a_password_has_no_right_one(
    ana: httpx.AsyncClient, database: Database
) -> None:
    run(database, "UPDATE users SET password_hash = NULL")
    for password in (PASSWORD, "."):
        answer = await ana.post("/api/auth/reauthenticate", json={"password": password})
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.password_wrong")


async def test_nobody_proves_anything_without_a_session(client: httpx.AsyncClient) -> None:
    await register(client)
    answer = await client.post("/api/auth/reauthenticate", json={"password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.unauthenticated")


async def test_without_redis_no_password_is_tried(api_environment: dict[str, str]) -> None:
    """A limit that guards a password fails closed."""
    async with running_api(api_environment) as edge, browser(edge) as ana:
        await register(ana)
        await log_in(ana)
        cookies = dict(ana.cookies)
        away = api_environment | {"REDIS_URL": "redis://127.0.0.1:1"}
        async with running_api(away) as alone, browser(alone) as same:
            same.cookies.update(cookies)
            assert (await same.get("/api/auth/me")).status_code == 200
            answer = await same.post("/api/auth/reauthenticate", json={"password": PASSWORD})
            assert answer.status_code == 503
