"""Staying signed in, and not."""

import asyncio
from datetime import timedelta

import httpx
import psycopg
import pytest
from support.api import ORIGIN, browser, log_in, register
from support.stack import Database

from astero_api.features.sessions import refresh
from astero_api.web.edge import Edge

RT = "__Host-astero_rt"
AT = "__Host-astero_at"
MFA = "__Host-astero_mfa"


@pytest.fixture
async def ana(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await register(client)
    await log_in(client)
    return client


def age_refresh_tokens(database: Database, seconds: int) -> None:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(
            "UPDATE refresh_tokens SET used_at = used_at - make_interval(secs => %s)", [seconds]
        )


def cleared(answer: httpx.Response) -> set[str]:
    lines = answer.headers.get_list("set-cookie")
    return {line.partition("=")[0] for line in lines if "; Max-Age=0;" in line}


async def test_refreshing_replaces_both_cookies(ana: httpx.AsyncClient) -> None:
    before = dict(ana.cookies)
    answer = await ana.post("/api/auth/refresh")
    assert answer.status_code == 204
    assert ana.cookies[RT] != before[RT]
    assert ana.cookies[AT] != before[AT]
    assert (await ana.get("/api/auth/me")).status_code == 200
    assert (await ana.post("/api/auth/refresh")).status_code == 204


async def test_a_token_never_has_two_successors(ana: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(ana.post("/api/auth/refresh") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [204] + [409] * 7
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] == "auth.refresh_in_progress"
    assert "set-cookie" not in refused.headers
    assert (await ana.post("/api/auth/refresh")).status_code == 204


async def test_a_second_use_within_ten_seconds_changes_nothing(
    ana: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tabs, or an answer that was lost and asked for again."""
    before = ana.cookies[RT]
    assert (await ana.post("/api/auth/refresh")).status_code == 204
    with psycopg.connect(database.admin) as connection:
        ((used_at,),) = connection.execute("SELECT max(used_at) FROM refresh_tokens").fetchall()
    after = dict(ana.cookies)
    ana.cookies.set(RT, before, domain="astero.test", path="/")
    with monkeypatch.context() as clock:
        clock.setattr(refresh, "utc_now", lambda: used_at + timedelta(seconds=10))
        answer = await ana.post("/api/auth/refresh")
    assert (answer.status_code, answer.json()["code"]) == (409, "auth.refresh_in_progress")
    assert "set-cookie" not in answer.headers
    ana.cookies.clear()
    ana.cookies.update(after)
    assert (await ana.get("/api/auth/me")).status_code == 200
    assert (await ana.post("/api/auth/refresh")).status_code == 204


async def test_a_copy_used_later_ends_the_session_and_all_access(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    stolen = ana.cookies[RT]
    assert (await ana.post("/api/auth/refresh")).status_code == 204
    age_refresh_tokens(database, 11)
    async with browser(api, address="198.51.100.1") as thief:
        thief.cookies.set(RT, stolen, domain="astero.test")
        answer = await thief.post("/api/auth/refresh")
        assert answer.status_code == 401
        assert cleared(answer) == {AT, RT}
    assert (await ana.get("/api/auth/me")).status_code == 401
    assert (await ana.post("/api/auth/refresh")).status_code == 401
    with psycopg.connect(database.admin) as connection:
        actions = connection.execute("SELECT action FROM audit_entries ORDER BY id").fetchall()
    assert actions[-1] == ("session:token:reused",)


async def test_logging_out_ends_the_session_and_clears_the_browser(ana: httpx.AsyncClient) -> None:
    kept = dict(ana.cookies)
    answer = await ana.post("/api/auth/logout")
    assert answer.status_code == 204
    assert answer.headers["clear-site-data"] == '"cookies", "storage"'
    assert not ana.cookies
    again = await ana.post("/api/auth/logout")
    assert again.status_code == 204
    for name, value in kept.items():
        ana.cookies.set(name, value, domain="astero.test")
    assert (await ana.get("/api/auth/me")).status_code == 401
    assert (await ana.post("/api/auth/refresh")).status_code == 401


async def test_the_refresh_token_alone_is_enough_to_log_out(ana: httpx.AsyncClient) -> None:
    """Ten minutes after the last refresh the browser has forgotten the other cookie."""
    ana.cookies.delete(AT)
    kept = ana.cookies[RT]
    assert cleared(await ana.post("/api/auth/logout")) == {AT, RT}
    ana.cookies.set(RT, kept, domain="astero.test")
    assert (await ana.post("/api/auth/refresh")).status_code == 401


async def test_what_opens_nothing_is_taken_from_the_browser(ana: httpx.AsyncClient) -> None:
    good, kept = ana.cookies[AT], ana.cookies[RT]
    for cookies in (f"{AT}=garbage", f"{AT}={good}x", f"{AT}={good}; {AT}={good}"):
        answer = await ana.get("/api/auth/me", headers={"Cookie": f"{cookies}; {RT}={kept}"})
        assert (answer.status_code, cleared(answer)) == (401, {AT}), cookies
    ana.cookies.set(AT, good, domain="astero.test", path="/")
    assert (await ana.get("/api/auth/me")).status_code == 200
    answer = await ana.post("/api/auth/mfa/verify", json={"code": "123456"}, headers={"Cookie": f"{MFA}=x"})
    assert (answer.status_code, cleared(answer)) == (401, {MFA})
    answer = await ana.post("/api/auth/refresh", headers={"Cookie": f"{RT}=unknown"})
    assert (answer.status_code, cleared(answer)) == (401, {AT, RT})


async def test_sessions_are_listed_and_ended_one_by_one(ana: httpx.AsyncClient, api: Edge) -> None:
    async with browser(api, address="198.51.100.2") as phone:
        await log_in(phone)
        items = (await phone.get("/api/auth/sessions")).json()["items"]
        assert [item["current"] for item in items] == [True, False]
        assert items[1]["ip"] == "203.0.113.7"
        answer = await phone.delete(f"/api/auth/sessions/{items[1]['id']}")
        assert answer.status_code == 204
        assert (await phone.delete(f"/api/auth/sessions/{items[1]['id']}")).status_code == 404
        assert (await phone.get("/api/auth/me")).status_code == 200
    assert (await ana.get("/api/auth/me")).status_code == 401


async def test_another_users_session_is_not_there(ana: httpx.AsyncClient, api: Edge) -> None:
    session_id = (await ana.get("/api/auth/sessions")).json()["items"][0]["id"]
    async with browser(api, address="198.51.100.3") as eve:
        await register(eve, "eve@example.com")
        await log_in(eve, "eve@example.com")
        assert (await eve.delete(f"/api/auth/sessions/{session_id}")).status_code == 404
    assert (await ana.get("/api/auth/me")).status_code == 200


async def test_logging_out_everywhere_ends_every_session_at_once(ana: httpx.AsyncClient, api: Edge) -> None:
    async with browser(api, address="198.51.100.2") as phone:
        await log_in(phone)
        answer = await ana.post("/api/auth/logout-all")
        assert answer.status_code == 204
        assert answer.headers["clear-site-data"] == '"cookies", "storage"'
        assert not ana.cookies
        assert (await phone.get("/api/auth/me")).status_code == 401
        assert (await phone.post("/api/auth/refresh")).status_code == 401


async def test_the_twenty_first_session_ends_the_oldest(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    oldest = (await ana.get("/api/auth/sessions")).json()["items"][0]["id"]
    for number in range(20):
        async with browser(api, address=f"198.51.100.{number + 10}") as other:
            await log_in(other)
            items = (await other.get("/api/auth/sessions")).json()["items"]
    assert len(items) == 20
    assert oldest not in {item["id"] for item in items}
    answer = await ana.get("/api/auth/me")
    assert (answer.status_code, cleared(answer)) == (401, {AT})
    with psycopg.connect(database.admin) as connection:
        ended = connection.execute(
            "SELECT target, details FROM audit_entries WHERE action = 'session:session:ended'"
        ).fetchall()
    assert ended == [(oldest, {"reason": "too_many"})]


async def test_what_changes_in_the_database_holds_at_the_next_request(
    client: httpx.AsyncClient, database: Database
) -> None:
    await register(client)
    with psycopg.connect(database.admin, autocommit=True) as connection:
        for change in (
            b"UPDATE users SET token_version = token_version + 1",
            b"UPDATE sessions SET revoked_at = now()",
            b"UPDATE sessions SET expires_at = now()",
            b"UPDATE users SET status = 'suspended'",
        ):
            await log_in(client)
            assert (await client.get("/api/auth/me")).status_code == 200
            connection.execute(change)
            answer = await client.get("/api/auth/me")
            assert (answer.status_code, answer.json()["code"]) == (401, "auth.unauthenticated"), change


def of_no_origin(client: httpx.AsyncClient) -> None:
    for name in ("Sec-Fetch-Site", "Origin"):
        client.headers.pop(name, None)


async def test_another_site_changes_nothing(ana: httpx.AsyncClient) -> None:
    of_no_origin(ana)
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "nonsense"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "Same-Origin"},
        {"Sec-Fetch-Site": ""},
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ORIGIN + ":8443"},
        {"Origin": ORIGIN.upper()},
        {"Origin": ORIGIN + "/"},
        {"Origin": f"{ORIGIN}, {ORIGIN}"},
        {"Origin": ""},
        {"Referer": ORIGIN + "/"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ):
        answer = await ana.post("/api/auth/logout-all", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.cross_site"), headers
    assert (await ana.get("/api/auth/me")).status_code == 200


async def test_either_word_of_the_dashboard_is_enough(ana: httpx.AsyncClient) -> None:
    of_no_origin(ana)
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": ORIGIN}):
        assert (await ana.post("/api/auth/refresh", headers=headers)).status_code == 204


async def test_a_form_changes_nothing(ana: httpx.AsyncClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        for body in ("{}", ""):
            answer = await ana.post("/api/auth/logout-all", content=body, headers={"Content-Type": kind})
            assert answer.status_code == 415, (kind, body)
    assert (await ana.get("/api/auth/me")).status_code == 200


async def test_logging_in_again_ends_the_presented_session(client: httpx.AsyncClient) -> None:
    await register(client)
    await log_in(client)
    await log_in(client)
    client.cookies.delete(AT)
    await log_in(client)
    assert len((await client.get("/api/auth/sessions")).json()["items"]) == 1
