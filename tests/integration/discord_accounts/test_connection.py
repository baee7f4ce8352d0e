"""What follows once Discord is connected: current permissions, tokens that end, and disconnecting."""

import asyncio
import time
from types import SimpleNamespace

import pytest
from support.api import ORIGIN, browser, log_in, register, running_api
from support.discord_world import World, age_proof, begin, finish, sign_in
from support.log_capture import captured_log
from support.mfa import actions, run

from astero_api.features.discord_accounts import managed_servers

GUILDS = "/users/@me/guilds"


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        ({"status": 500}, "10"),
        ({"status": 429, "retry_after": 30}, "30"),
        ({"status": 429, "retry_after": 90_000}, "600"),
    ],
)
async def test_discord_that_cannot_be_asked_is_a_503_with_what_to_do(
    world: World, fault: dict[str, int], wait: str
) -> None:
    async with browser(world.edge) as client:
        await sign_in(world, client, world.owner)
        await world.discord.fault("rest", path=GUILDS, count=50, **fault)
        answer = await client.get(world.automod)
        assert (answer.status_code, answer.json()["code"]) == (503, "discord.unavailable")
        assert answer.headers["retry-after"] == wait
        await world.discord.fault("clear")
        assert (await client.get(world.automod)).status_code == 200


async def test_who_is_demoted_in_discord_is_out_within_a_minute_and_acts_on_nobody_from_then_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = await world.new_person("mae", permissions=1 << 5 | 1 << 1)  # Manage Server and Kick Members
    guild = world.automod.removesuffix("/modules/automod")
    async with browser(world.edge) as client:
        await sign_in(world, client, manager)
        assert (await client.get(world.automod)).status_code == 200
        await world.discord.patch(f"/guilds/{world.guild_id}/members/{manager}", roles=[])
        kick = {"action": "kick", "targetId": world.member}
        assert (await client.post(f"{guild}/cases", json=kick)).status_code == 403
        assert (await client.delete(guild)).status_code == 404
        # those two have asked; another process may remember what it heard, for so long
        async with running_api(world.env) as other, browser(other) as elsewhere:
            elsewhere.cookies.update(client.cookies)
            await world.discord.patch(
                f"/guilds/{world.guild_id}/members/{manager}", roles=["mae permissions"]
            )
            assert (await elsewhere.get(world.automod)).status_code == 200
            await world.discord.patch(f"/guilds/{world.guild_id}/members/{manager}", roles=[])
            assert (await elsewhere.get(world.automod)).status_code == 200
            later = SimpleNamespace(monotonic=lambda: time.monotonic() + 60)
            monkeypatch.setattr(managed_servers, "time", later)
            assert (await elsewhere.get(world.automod)).status_code == 404


async def test_a_page_that_asks_five_things_asks_discord_one(world: World) -> None:
    async with browser(world.edge) as client:
        await sign_in(world, client, world.owner)
        before = len(await world.questions())
        answers = await asyncio.gather(*(client.get(world.automod) for _ in range(5)))
        assert [answer.status_code for answer in answers] == [200] * 5
        assert len(await world.questions()) == before + 1


async def test_discord_that_asks_for_a_second_is_given_it(world: World) -> None:
    async with browser(world.edge) as client:
        await sign_in(world, client, world.owner)
        await world.discord.fault("rest", status=429, retry_after=0.2, path=GUILDS, count=1)
        assert (await client.get(world.automod)).status_code == 200


async def test_an_expired_token_is_renewed_once_whoever_asks_at_once(world: World) -> None:
    """Over two processes: the one that comes second finds the refresh token used up, and no harm done."""
    async with (
        browser(world.edge) as client,
        running_api(world.env) as other,
        browser(other) as elsewhere,
    ):
        await sign_in(world, client, world.owner)
        elsewhere.cookies.update(client.cookies)
        run(world.database, "UPDATE discord_accounts SET access_expires_at = now()")
        answers = await asyncio.gather(
            *(one.get(world.automod) for one in (client, elsewhere, client, elsewhere))
        )
        assert [answer.status_code for answer in answers] == [200] * 4


async def test_what_was_revoked_at_discord_is_connected_again_by_signing_in(world: World) -> None:
    async with browser(world.edge) as client:
        await sign_in(world, client, world.owner)
        await world.discord.delete(f"/users/{world.owner}/authorizations")
        refused = await client.get(world.automod)
        assert (refused.status_code, refused.json()["code"]) == (403, "discord_accounts.reconnect")
        run(world.database, "UPDATE discord_accounts SET access_expires_at = now()")
        refused = await client.get(world.automod)
        assert (refused.status_code, refused.json()["code"]) == (403, "discord_accounts.reconnect")
        await sign_in(world, client, world.owner)
        assert (await client.get(world.automod)).status_code == 200


async def test_a_wrong_client_secret_is_the_operators_to_mend_and_no_users(world: World) -> None:
    with captured_log() as log:
        async with (
            running_api(world.env | {"DISCORD_CLIENT_SECRET": "another"}) as edge,
            browser(edge) as client,
        ):
            answer = await sign_in(world, client, world.owner)
    assert (answer.status_code, answer.json()["code"]) == (503, "discord.unavailable")
    assert "discord answered the api 401 at /oauth2/token" in log.text


async def test_disconnecting_ends_what_it_opened_and_tells(world: World) -> None:
    async with browser(world.edge) as client, browser(world.edge) as other:
        await register(client)
        await log_in(client)
        await sign_in(world, client, world.owner)
        assert (await client.get(world.automod)).status_code == 200
        await sign_in(world, other, world.owner)
        age_proof(world)
        refused = await client.delete("/api/auth/discord")
        assert (refused.status_code, refused.json()["code"]) == (403, "auth.reauthentication_required")
        await log_in(client)
        assert (await client.delete("/api/auth/discord")).status_code == 204
        assert (await client.get("/api/auth/me")).status_code == 200
        assert (await other.get("/api/auth/me")).status_code == 401
        assert (await client.get(world.automod)).status_code == 404
        again = await client.delete("/api/auth/discord")
        assert (again.status_code, again.json()["code"]) == (404, "discord_accounts.not_found")
        await world.edge.litestar.state.after_commit.drain()
        assert "/api/v10/oauth2/token/revoke" in [line["path"] for line in await world.calls()]
    log = actions(world.database)
    assert log.count("account:discord:connected") == log.count("account:discord:disconnected") == 1
    # welcome, connected, signed in elsewhere, disconnected
    assert run(world.database, "SELECT count(*) FROM mails")[0][0] >= 3


async def test_the_only_way_in_is_not_disconnected(world: World) -> None:
    async with browser(world.edge) as client:
        await sign_in(world, client, world.owner)
        kept = await client.delete("/api/auth/discord")
        assert (kept.status_code, kept.json()["code"]) == (409, "accounts.last_way_in")
        assert (await client.get(world.automod)).status_code == 200


async def test_a_link_on_another_site_connects_nothing(world: World) -> None:
    async with browser(world.edge) as client:
        await register(client)
        await log_in(client)
        client.headers["Sec-Fetch-Site"] = "cross-site"
        refused = await sign_in(world, client, world.owner)
        assert (refused.status_code, refused.json()["code"]) == (403, "auth.reauthentication_required")
        assert run(world.database, "SELECT 1 FROM discord_accounts") == []


async def test_signing_in_ends_the_session_the_browser_held(world: World) -> None:
    async with browser(world.edge) as client:
        await register(client)
        await log_in(client)
        # ten minutes later: the short cookie is gone, and Discord is asked who it is
        client.cookies.delete("__Host-astero_at")
        assert (await sign_in(world, client, world.owner)).status_code == 303
    live = "SELECT email FROM users JOIN sessions ON user_id = users.id WHERE revoked_at IS NULL"
    assert [email[:5] for (email,) in run(world.database, live)] == ["ines-"]


@pytest.mark.parametrize("connected", [False, True])
async def test_a_browser_is_told_on_a_page_what_went_wrong(world: World, connected: bool) -> None:
    async with browser(world.edge) as client:
        if connected:
            await register(client)
            await log_in(client)
        client.headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
        back = await world.consent(await begin(client), world.owner, "cancel")
        answer = await finish(client, back)
        page = "security" if connected else "sign-in"
        assert answer.headers["location"] == f"{ORIGIN}/account/{page}?problem=discord_accounts.declined"
        shown = await client.get(answer.headers["location"])
        assert "You declined at Discord" in shown.text
        strange = await client.get(f"/account/{page}", params={"problem": "<b>auth.banned"})
        assert strange.status_code == 200
        assert "auth.banned" not in strange.text
