"""Signing in with Discord and adding a bot, as a browser and an api do it."""

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from .conftest import BotStarter, House, Server

REDIRECT = "http://127.0.0.1:9/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@pytest.fixture
async def portal(house: House) -> dict[str, Any]:
    path = f"/applications/{house.application_id}"
    return await house.server.ask("PATCH", path, {"redirectUris": [REDIRECT]})


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


def parameters(house: House, **more: Any) -> dict[str, str]:
    return {
        "client_id": house.application_id,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": "identify email guilds",
        "state": "s-1",
    } | more


async def code_for(browser: httpx.AsyncClient, house: House, user_id: str, **more: Any) -> str:
    params = parameters(house, **more)
    page = await browser.get("/oauth2/authorize", params=params)
    assert page.status_code == 200
    assert "'unsafe-inline'" not in page.headers["content-security-policy"]
    form = {"user_id": user_id, "decision": "authorize"}
    answer = await browser.post("/oauth2/authorize", params=params, data=form)
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["state"] == ["s-1"]
    return query["code"][0]


async def exchange(
    browser: httpx.AsyncClient, portal: dict[str, Any], code: str, **more: Any
) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT} | more
    auth = (portal["applicationId"], portal["clientSecret"])
    return await browser.post("/api/v10/oauth2/token", data=form, auth=auth)


async def test_a_person_signs_in_and_is_known_by_the_scopes_granted(
    browser: httpx.AsyncClient, house: House, portal: dict[str, Any]
) -> None:
    code = await code_for(browser, house, house.owner)
    token = (await exchange(browser, portal, code)).json()
    assert token["token_type"] == "Bearer"
    assert token["scope"] == "email guilds identify"
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    me = (await browser.get("/api/v10/users/@me", headers=headers)).json()
    assert (me["id"], me["email"]) == (house.owner, "alex@example.test")
    guilds = (await browser.get("/api/v10/users/@me/guilds", headers=headers)).json()
    mine = next(guild for guild in guilds if guild["id"] == house.guild_id)
    assert mine["owner"] is True
    assert int(mine["permissions"]) & 8
    about = (await browser.get("/api/v10/oauth2/@me", headers=headers)).json()
    assert about["application"]["id"] == house.application_id


async def test_scopes_not_granted_stay_shut(
    browser: httpx.AsyncClient, house: House, portal: dict[str, Any]
) -> None:
    code = await code_for(browser, house, house.nova, scope="identify")
    token = (await exchange(browser, portal, code)).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert (await browser.get("/api/v10/users/@me", headers=headers)).json()["email"] is None
    assert (await browser.get("/api/v10/users/@me/guilds", headers=headers)).status_code == 401
    channel = f"/api/v10/channels/{house.general}"
    assert (await browser.get(channel, headers=headers)).status_code == 401


async def test_a_code_works_once_and_only_as_it_was_asked_for(
    browser: httpx.AsyncClient, house: House, portal: dict[str, Any]
) -> None:
    code = await code_for(browser, house, house.owner)
    assert (await exchange(browser, portal, code)).status_code == 200
    again = await exchange(browser, portal, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    code = await code_for(browser, house, house.owner)
    wrong = await exchange(browser, portal, code, redirect_uri="http://127.0.0.1:9/other")
    assert wrong.json()["error"] == "invalid_grant"
    code = await code_for(browser, house, house.owner)
    stranger = portal | {"clientSecret": "wrong"}
    refused = await exchange(browser, stranger, code)
    assert (refused.status_code, refused.json()) == (401, {"error": "invalid_client"})


async def test_pkce_is_checked(browser: httpx.AsyncClient, house: House, portal: dict[str, Any]) -> None:
    asked = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    code = await code_for(browser, house, house.owner, **asked)
    assert (await exchange(browser, portal, code)).json()["error"] == "invalid_grant"
    code = await code_for(browser, house, house.owner, **asked)
    wrong = await exchange(browser, portal, code, code_verifier="w" * 64)
    assert wrong.json()["error"] == "invalid_grant"
    code = await code_for(browser, house, house.owner, **asked)
    assert (await exchange(browser, portal, code, code_verifier=VERIFIER)).status_code == 200


async def test_refreshing_replaces_the_pair_and_revoking_ends_it(
    browser: httpx.AsyncClient, house: House, portal: dict[str, Any]
) -> None:
    code = await code_for(browser, house, house.owner)
    first = (await exchange(browser, portal, code)).json()
    body = {"client_id": portal["applicationId"], "client_secret": portal["clientSecret"]}
    refresh = body | {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await browser.post("/api/v10/oauth2/token", data=refresh)).json()

    async def status(token: Any) -> int:
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        return (await browser.get("/api/v10/users/@me", headers=headers)).status_code

    assert await status(first) == 401
    assert await status(second) == 200
    revoke = body | {"token": second["refresh_token"]}
    assert (await browser.post("/api/v10/oauth2/token/revoke", data=revoke)).status_code == 200
    assert await status(second) == 401


async def test_a_foreign_redirect_is_shown_and_never_followed(
    browser: httpx.AsyncClient, house: House, portal: dict[str, Any]
) -> None:
    params = parameters(house, redirect_uri="http://127.0.0.1:9/evil")
    for answer in (
        await browser.get("/oauth2/authorize", params=params),
        await browser.post("/oauth2/authorize", params=params, data={"user_id": house.owner}),
    ):
        assert answer.status_code == 400
        assert "Invalid OAuth2 redirect_uri" in answer.text


async def test_cancelling_returns_the_error(
    browser: httpx.AsyncClient, house: House, portal: dict[str, Any]
) -> None:
    answer = await browser.post("/oauth2/authorize", params=parameters(house), data={"decision": "cancel"})
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["error"] == ["access_denied"]


async def test_adding_a_bot_needs_a_server_one_manages(
    browser: httpx.AsyncClient, house: House, connect: BotStarter
) -> None:
    other = await house.server.post("/guilds", name="Other", ownerId=house.owner)
    bot = await connect(house.token)
    params = {"client_id": house.application_id, "scope": "bot", "permissions": str(1 << 13 | 1 << 10)}
    form = {"guild_id": other["guildId"], "decision": "authorize"}
    refused = await browser.post("/oauth2/authorize", params=params, data=form | {"user_id": house.nova})
    assert refused.status_code == 403
    added = await browser.post("/oauth2/authorize", params=params, data=form | {"user_id": house.owner})
    assert added.status_code == 200
    joined = await bot.heard("guild_join")
    assert joined.me.guild_permissions.manage_messages
    assert not joined.me.guild_permissions.ban_members


async def test_nothing_secret_of_the_exchange_is_in_the_log(
    browser: httpx.AsyncClient, house: House, portal: dict[str, Any]
) -> None:
    since = (await house.server.get("/log"))["next"]
    code = await code_for(browser, house, house.owner)
    token = (await exchange(browser, portal, code)).json()
    log = (await house.server.control.get(f"/sandbox/log?since={since}")).text
    assert "/oauth2/token" in log
    for secret in (code, token["access_token"], portal["clientSecret"]):
        assert secret not in log
