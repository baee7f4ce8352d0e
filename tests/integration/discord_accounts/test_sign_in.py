"""Signing in with Discord, and what Discord says one manages, against the sandbox's OAuth2 over the wire."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from support.api import ORIGIN, browser, log_in, register
from support.discord_world import World, age_proof, begin, cookie_of, finish, sign_in
from support.mfa import MFA, enable, run


async def test_a_new_person_gets_an_account_and_only_cookies(world: World) -> None:
    async with browser(world.edge) as client:
        answer = await sign_in(world, client, world.owner)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{ORIGIN}/")
        assert cookie_of(answer, "__Host-astero_at")
        assert not answer.content
        me = (await client.get("/api/auth/me")).json()
        assert me["email"].startswith("ines-")
    async with browser(world.edge) as again:
        await sign_in(world, again, world.owner)
        assert (await again.get("/api/auth/me")).json()["id"] == me["id"]


async def test_an_account_that_is_suspended_meanwhile_gets_no_session(world: World) -> None:
    """One would sleep while the account is suspended, and live again when that is taken back."""
    async with browser(world.edge) as client:
        await sign_in(world, client, world.owner)
    async with browser(world.edge) as client:
        back = await world.consent(await begin(client), world.owner)
        with psycopg.connect(world.database.admin) as operator:
            operator.execute("SELECT id FROM users FOR UPDATE")
            coming = asyncio.create_task(finish(client, back))
            waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = %s"
            with psycopg.connect(world.database.admin, autocommit=True) as watch:
                while watch.execute(waiting, ["transactionid"]).fetchone() is None:
                    assert not coming.done()
                    await asyncio.sleep(0.01)
            operator.execute("UPDATE users SET status = 'suspended'")
            operator.execute("UPDATE sessions SET revoked_at = now()")
        answer = await coming
        assert (answer.status_code, answer.json()["code"]) == (403, "accounts.suspended")


async def test_the_shared_bot_opens_to_those_who_manage_the_server(world: World) -> None:
    async with browser(world.edge) as owner, browser(world.edge) as member:
        await sign_in(world, owner, world.owner)
        await sign_in(world, member, world.member)
        assert (await owner.get(world.automod)).status_code == 200
        changed = await owner.patch(world.automod, json={"caps": {"enabled": True}})
        assert changed.status_code == 200
        refused = await member.get(world.automod)
        assert (refused.status_code, refused.json()["code"]) == (404, "installations.not_found")
        assert (await member.patch(world.automod, json={})).status_code == 404


async def test_the_shared_bot_lends_nobody_a_permission(world: World) -> None:
    """Managing a server's settings at Discord is not the right to ban there."""
    manager = await world.new_person("mae", permissions=1 << 5 | 1 << 1)  # Manage Server and Kick Members
    cases = world.automod.removesuffix("modules/automod") + "cases"
    async with browser(world.edge) as client:
        await sign_in(world, client, manager)
        assert (await client.get(world.automod)).status_code == 200
        for action, status in (("ban", 403), ("timeout", 403), ("warn", 403), ("kick", 201)):
            answer = await client.post(cases, json={"action": action, "targetId": world.member})
            assert answer.status_code == status, (action, answer.text)
        assert answer.json()["moderator"]["id"] == manager
        listed = (await client.get(cases)).json()["items"]
        assert [case["action"] for case in listed] == ["kick"]


async def test_somebody_without_discord_manages_nothing(world: World) -> None:
    async with browser(world.edge) as client:
        await register(client)
        await log_in(client)
        assert (await client.get(world.automod)).status_code == 404


async def test_an_account_is_connected_from_its_own_session(world: World) -> None:
    async with browser(world.edge) as client:
        user = await register(client)
        await log_in(client)
        answer = await sign_in(world, client, world.owner)
        assert answer.status_code == 303
        assert (await client.get("/api/auth/me")).json()["id"] == user["id"]
        assert (await client.get(world.automod)).status_code == 200
    async with browser(world.edge) as other:
        await register(other, "other@example.com")
        await log_in(other, "other@example.com")
        taken = await sign_in(world, other, world.owner)
        assert (taken.status_code, taken.json()["code"]) == (409, "discord_accounts.taken")


async def test_an_address_is_never_taken_over(world: World) -> None:
    async with browser(world.edge) as client:
        await register(client, "victim@example.com")
    thief = await world.discord.post("/users", username="thief", email="victim@example.com")
    async with browser(world.edge) as client:
        answer = await sign_in(world, client, thief["userId"])
        assert (answer.status_code, answer.json()["code"]) == (409, "accounts.email_taken")
        assert cookie_of(answer, "__Host-astero_at") is None


async def test_a_callback_works_only_where_it_was_begun_and_once(world: World) -> None:
    async with browser(world.edge) as client, browser(world.edge) as stranger:
        back = await world.consent(await begin(client), world.owner)
        stolen = await finish(stranger, back)
        assert (stolen.status_code, stolen.json()["code"]) == (403, "discord_accounts.state_invalid")
        assert (await finish(client, back)).status_code == 303
        assert (await finish(client, back)).status_code == 403


async def test_declining_changes_nothing(world: World) -> None:
    async with browser(world.edge) as client:
        back = await world.consent(await begin(client), world.owner, "cancel")
        answer = await finish(client, back)
        assert (answer.status_code, answer.json()["code"]) == (403, "discord_accounts.declined")


@pytest.mark.parametrize(
    ("asked", "reached"),
    [
        ("/dashboard?tab=1", "/dashboard?tab=1"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/a\tb", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
async def test_next_stays_here(world: World, asked: str, reached: str) -> None:
    async with browser(world.edge) as client:
        answer = await client.get("/api/auth/discord", params={"next": asked})
        if answer.status_code == 422:  # control characters never reach a handler
            return
        back = await world.consent(answer.headers["location"], world.owner)
        assert (await finish(client, back)).headers["location"] == ORIGIN + reached


async def test_the_verifier_never_leaves_and_the_tokens_are_sealed(world: World) -> None:
    async with browser(world.edge) as client:
        location = await begin(client)
        query = parse_qs(urlsplit(location).query)
        assert query["code_challenge_method"] == ["S256"]
        assert set(query["scope"][0].split()) == {"identify", "guilds", "email"}
        await finish(client, await world.consent(location, world.owner))
    with psycopg.connect(world.database.admin) as connection:
        row: Any = connection.execute(
            "SELECT access_ciphertext, refresh_ciphertext FROM discord_accounts"
        ).fetchone()
    assert row[0][:1] == row[1][:1] == b"\x01"
    assert row[0] != row[1]


async def test_discord_is_a_first_factor_where_a_second_is_on(world: World) -> None:
    async with browser(world.edge) as client, browser(world.edge) as phone:
        await sign_in(world, client, world.owner)
        app, _ = await enable(client, world.database)
        location = (await phone.get("/api/auth/discord", params={"next": "/dashboard?tab=1"})).headers[
            "location"
        ]
        answer = await finish(phone, await world.consent(location, world.owner))
        assert answer.status_code == 303
        assert answer.headers["location"] == f"{ORIGIN}/account/second-step?next=%2Fdashboard%3Ftab%3D1"
        assert cookie_of(answer, "__Host-astero_at") is None
        assert cookie_of(answer, MFA)
        assert (await phone.get("/api/auth/me")).status_code == 401
        assert (await phone.post("/api/auth/mfa/verify", json={"code": app.code()})).status_code == 200
        assert (await phone.get("/api/auth/me")).status_code == 200
    newest = "SELECT amr FROM sessions ORDER BY id DESC LIMIT 1"
    assert run(world.database, newest) == [(["fed", "otp", "mfa"],)]


async def test_discord_vouches_again_for_who_has_no_password(world: World) -> None:
    async with browser(world.edge) as client:
        await sign_in(world, client, world.owner)
        age_proof(world)
        assert (await client.post("/api/auth/mfa/enroll")).status_code == 403
        assert (await sign_in(world, client, world.owner)).status_code == 303
        assert (await client.post("/api/auth/mfa/enroll")).status_code == 200


async def test_discord_alone_vouches_for_nobody_with_a_second_factor(world: World) -> None:
    async with browser(world.edge) as client:
        await sign_in(world, client, world.owner)
        await enable(client, world.database)
        age_proof(world)
        assert (await sign_in(world, client, world.owner)).status_code == 303
        assert (await client.post("/api/auth/mfa/disable")).status_code == 403


async def test_a_new_way_in_asks_for_a_recent_proof(world: World) -> None:
    """Else a stolen session would connect the thief's Discord, and signing in with that is a proof."""
    async with browser(world.edge) as client:
        await register(client)
        await log_in(client)
        age_proof(world)
        refused = await sign_in(world, client, world.owner)
        assert (refused.status_code, refused.json()["code"]) == (403, "auth.reauthentication_required")
        assert run(world.database, "SELECT 1 FROM discord_accounts") == []
        await log_in(client)
        assert (await sign_in(world, client, world.owner)).status_code == 303
        age_proof(world)
        # renewing the one that is connected is no new way in; another one is
        assert (await sign_in(world, client, world.owner)).status_code == 303
        age_proof(world)
        assert (await sign_in(world, client, world.member)).status_code == 403
