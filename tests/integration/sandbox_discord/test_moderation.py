"""Permissions, hierarchy and the audit log: who may do what to whom, with Discord's codes."""

import datetime as dt
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import httpx
import pytest

from .conftest import BotStarter, House

KICK_AND_MORE = (1 << 1) | (1 << 2) | (1 << 13) | (1 << 40) | (1 << 28)


@pytest.fixture
async def rest(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with house.server.rest(house.token) as client:
        yield client


async def code(answer: httpx.Response) -> tuple[int, int]:
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()["code"]


def member_path(house: House, user_id: str) -> str:
    return f"/guilds/{house.guild_id}/members/{user_id}"


async def restrict(house: House, bits: Any) -> None:
    """The bot keeps only these permissions."""
    guild = await house.server.get(f"/guilds/{house.guild_id}")
    managed = next(role for role in guild["roles"] if role["managed"])
    path = f"/guilds/{house.guild_id}/roles"
    await house.server.ask("PATCH", f"{path}/{managed['id']}", {"permissions": bits})
    await house.server.ask("PATCH", f"{path}/{house.guild_id}", {"permissions": bits})


async def test_a_timeout_keeps_a_member_from_writing_and_is_told_to_the_bot(
    house: House, connect: BotStarter
) -> None:
    bot = await connect(house.token, intents=discord.Intents(guilds=True, members=True))
    guild = bot.get_guild(int(house.guild_id))
    member = await guild.fetch_member(int(house.nova))
    await member.timeout(dt.timedelta(minutes=5), reason="caps lock")
    shown = await house.member(house.nova)
    assert shown["timedOutUntil"] is not None
    refused = await house.server.control.post(
        f"/sandbox/channels/{house.general}/messages", json={"userId": house.nova, "content": "hey"}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "timed_out")
    await member.timeout(None)
    await house.say("free again")


async def test_kick_ban_and_unban_change_the_server(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token, intents=discord.Intents(guilds=True, members=True, moderation=True))
    guild = bot.get_guild(int(house.guild_id))
    await guild.kick(discord.Object(int(house.nova)), reason="first")
    assert (await bot.heard("raw_member_remove")).user.id == int(house.nova)
    assert await house.member(house.nova) is None

    await guild.ban(discord.Object(int(house.nova)), reason="second", delete_message_seconds=0)
    assert (await bot.heard("member_ban")) is not None
    ban = await guild.fetch_ban(discord.Object(int(house.nova)))
    assert ban.reason == "second"
    back = await house.server.control.post(
        f"/sandbox/guilds/{house.guild_id}/members", json={"userId": house.nova}
    )
    assert back.json()["code"] == "banned"
    await guild.unban(discord.Object(int(house.nova)), reason="third")
    with pytest.raises(discord.NotFound) as error:
        await guild.fetch_ban(discord.Object(int(house.nova)))
    assert error.value.code == 10026

    entries = [entry async for entry in guild.audit_logs(limit=10, oldest_first=False)]
    assert [(entry.action.name, entry.reason) for entry in entries] == [
        ("unban", "third"),
        ("ban", "second"),
        ("kick", "first"),
    ]


async def test_a_ban_takes_the_recent_messages_along(house: House, rest: httpx.AsyncClient) -> None:
    await house.say("one")
    await house.say("two")
    path = f"/guilds/{house.guild_id}/bans/{house.nova}"
    answer = await rest.put(path, json={"delete_message_seconds": 3600})
    assert answer.status_code == 204
    shown = await house.server.get(f"/channels/{house.general}/messages")
    assert shown["messages"] == []


async def test_every_action_needs_its_permission(house: House, rest: httpx.AsyncClient) -> None:
    message = await house.say("hello")
    await restrict(house, ["VIEW_CHANNEL", "READ_MESSAGE_HISTORY"])
    nova = member_path(house, house.nova)
    until = "2026-01-01T00:00:00+00:00"
    calls = [
        rest.delete(f"/channels/{house.general}/messages/{message['id']}"),
        rest.post(f"/channels/{house.general}/messages", json={"content": "hi"}),
        rest.delete(nova),
        rest.patch(nova, json={"communication_disabled_until": until}),
        rest.patch(nova, json={"nick": "x"}),
        rest.patch(nova, json={"roles": []}),
        rest.put(f"/guilds/{house.guild_id}/bans/{house.nova}", json={}),
        rest.get(f"/guilds/{house.guild_id}/bans"),
        rest.get(f"/guilds/{house.guild_id}/audit-logs"),
    ]
    assert [await code(await call) for call in calls] == [(403, 50013)] * len(calls)
    await restrict(house, 0)
    assert await code(await rest.get(f"/channels/{house.general}")) == (403, 50001)


async def test_nobody_acts_on_the_owner_on_equals_or_on_those_above(
    house: House, rest: httpx.AsyncClient
) -> None:
    await house.server.post(f"/guilds/{house.guild_id}/roles", name="Boss", permissions=0)
    boss = (await house.server.post("/users", username="boss"))["userId"]
    await house.server.post(f"/guilds/{house.guild_id}/members", userId=boss, roles=["Boss"])
    for target in (house.owner, boss):
        assert await code(await rest.delete(member_path(house, target))) == (403, 50013)
        ban = f"/guilds/{house.guild_id}/bans/{target}"
        assert await code(await rest.put(ban, json={})) == (403, 50013)
        nick = await rest.patch(member_path(house, target), json={"nick": "x"})
        assert await code(nick) == (403, 50013)


async def test_an_administrator_cannot_be_timed_out_even_from_above(
    house: House, rest: httpx.AsyncClient
) -> None:
    members = f"/guilds/{house.guild_id}/members"
    await house.server.post(members, userId=house.nova, permissions=["ADMINISTRATOR"])
    body = {"communication_disabled_until": "2026-11-30T00:00:00+00:00"}
    assert await code(await rest.patch(member_path(house, house.nova), json=body)) == (403, 50013)
    assert (await rest.delete(member_path(house, house.nova))).status_code == 204


async def test_a_timeout_lasts_28_days_at_most(house: House, rest: httpx.AsyncClient) -> None:
    path = member_path(house, house.nova)
    until = dt.datetime.fromtimestamp(time.time() + 29 * 86_400, dt.UTC).isoformat()
    answer = await rest.patch(path, json={"communication_disabled_until": until})
    assert await code(answer) == (400, 50035)
    assert "communication_disabled_until" in answer.json()["errors"]


async def test_roles_are_given_below_ones_own_only(house: House, rest: httpx.AsyncClient) -> None:
    roles = f"/guilds/{house.guild_id}/roles"
    high = await house.server.post(roles, name="High", permissions=0)
    low = house.roles["Moderator"]
    path = member_path(house, house.nova)
    assert (await rest.put(f"{path}/roles/{low}")).status_code == 204
    assert await code(await rest.put(f"{path}/roles/{high['id']}")) == (403, 50013)
    assert (await house.member(house.nova))["roles"] == [low]
    managed = next(
        role["id"]
        for role in (await house.server.get(f"/guilds/{house.guild_id}"))["roles"]
        if role["managed"]
    )
    assert await code(await rest.put(f"{path}/roles/{managed}")) == (400, 50028)


async def test_a_channel_overwrite_takes_a_permission_away(house: House, rest: httpx.AsyncClient) -> None:
    channels = f"/guilds/{house.guild_id}/channels"
    hidden = [{"id": house.guild_id, "deny": ["VIEW_CHANNEL"]}]
    secret = await house.server.post(channels, name="secret", overwrites=hidden)
    for path in ("", "/messages"):
        assert await code(await rest.get(f"/channels/{secret['id']}{path}")) == (403, 50001)
    read_only = [{"id": house.application_id, "type": "member", "deny": ["SEND_MESSAGES"]}]
    quiet = await house.server.post(channels, name="quiet", overwrites=read_only)
    answer = await rest.post(f"/channels/{quiet['id']}/messages", json={"content": "hi"})
    assert await code(answer) == (403, 50013)


async def test_a_channel_out_of_sight_is_out_of_hearing(house: House, connect: BotStarter) -> None:
    channels = f"/guilds/{house.guild_id}/channels"
    hidden = [{"id": house.guild_id, "deny": ["VIEW_CHANNEL"]}]
    secret = await house.server.post(channels, name="secret", overwrites=hidden)
    bot = await connect(house.token)
    write = f"/channels/{secret['id']}/messages"
    await house.server.post(write, userId=house.owner, content="psst")
    await house.say("aloud")
    await bot.heard("message")
    assert [message.content for message in bot.messages] == ["aloud"]


async def test_bulk_delete_takes_two_to_a_hundred_young_messages(
    house: House, rest: httpx.AsyncClient
) -> None:
    ids = [(await house.say(str(number)))["id"] for number in range(3)]
    path = f"/channels/{house.general}/messages/bulk-delete"
    assert await code(await rest.post(path, json={"messages": ids[:1]})) == (400, 50016)
    assert await code(await rest.post(path, json={"messages": ids[:1] * 2})) == (400, 50035)
    old = str((int(time.time() * 1000) - 15 * 86_400_000 - 1_420_070_400_000) << 22)
    assert await code(await rest.post(path, json={"messages": [ids[0], old]})) == (400, 50034)
    assert (await rest.post(path, json={"messages": [*ids[:2], ids[2]]})).status_code == 204
    shown = await house.server.get(f"/channels/{house.general}/messages")
    assert shown["messages"] == []


async def test_what_is_not_there_has_its_own_code(house: House, rest: httpx.AsyncClient) -> None:
    guild, channel = house.guild_id, house.general
    assert await code(await rest.get("/channels/1")) == (404, 10003)
    assert await code(await rest.get("/guilds/1")) == (404, 10004)
    assert await code(await rest.get(f"/guilds/{guild}/members/1")) == (404, 10013)
    stranger = (await house.server.post("/users", username="x"))["userId"]
    assert await code(await rest.get(f"/guilds/{guild}/members/{stranger}")) == (404, 10007)
    assert await code(await rest.get(f"/channels/{channel}/messages/1")) == (404, 10008)
    assert await code(await rest.get("/users/1")) == (404, 10013)
    assert await code(await rest.get(f"/guilds/{guild}/bans/{house.nova}")) == (404, 10026)
    assert await code(await rest.get("/nothing/here")) == (404, 0)
    callback = await rest.post("/interactions/1/abc/callback", json={"type": 4})
    assert await code(callback) == (404, 10062)
    other = await house.server.post("/guilds", name="Other", ownerId=house.owner)
    assert await code(await rest.get(f"/guilds/{other['guildId']}")) == (403, 50001)


async def test_a_form_names_every_field_that_is_wrong(house: House, rest: httpx.AsyncClient) -> None:
    body = {"content": "x" * 2001, "embeds": [{"title": "y" * 257}]}
    answer = await rest.post(f"/channels/{house.general}/messages", json=body)
    assert await code(answer) == (400, 50035)
    errors = answer.json()["errors"]
    assert errors["content"]["_errors"][0]["code"] == "BASE_TYPE_MAX_LENGTH"
    assert errors["embeds"]["0"]["title"]["_errors"][0]["code"] == "BASE_TYPE_MAX_LENGTH"
    empty = await rest.post(f"/channels/{house.general}/messages", json={})
    assert await code(empty) == (400, 50006)
    broken = await rest.post(
        f"/channels/{house.general}/messages",
        content=b"{",
        headers={"Content-Type": "application/json"},
    )
    assert await code(broken) == (400, 50109)
    assert await code(await rest.get("/channels/abc")) == (400, 50035)


async def test_a_reason_longer_than_512_is_refused_and_a_shorter_one_is_kept(
    house: House, rest: httpx.AsyncClient
) -> None:
    path = member_path(house, house.nova)
    long = await rest.delete(path, headers={"X-Audit-Log-Reason": "x" * 513})
    assert await code(long) == (400, 50035)
    headers = {"X-Audit-Log-Reason": "caf%C3%A9"}
    assert (await rest.delete(path, headers=headers)).status_code == 204
    log = (await rest.get(f"/guilds/{house.guild_id}/audit-logs")).json()
    assert log["audit_log_entries"][0]["reason"] == "café"


async def test_direct_messages_reach_people_who_share_a_server(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    nova = await bot.fetch_user(int(house.nova))
    await nova.send("you were warned")
    got = (await house.server.get(f"/users/{house.nova}/messages"))["messages"]
    assert [message["content"] for message in got] == ["you were warned"]
    stranger = (await house.server.post("/users", username="stranger"))["userId"]
    with pytest.raises(discord.Forbidden) as error:
        await (await bot.fetch_user(int(stranger))).send("hello?")
    assert error.value.code == 50007


async def test_in_a_direct_conversation_a_bot_deletes_its_own_messages_only(
    house: House, rest: httpx.AsyncClient
) -> None:
    dm = (await rest.post("/users/@me/channels", json={"recipient_id": house.nova})).json()["id"]
    theirs = await house.server.post(f"/channels/{dm}/messages", userId=house.nova, content="why?")
    path = f"/channels/{dm}/messages"
    assert await code(await rest.delete(f"{path}/{theirs['id']}")) == (403, 50003)
    own = (await rest.post(path, json={"content": "because"})).json()
    assert (await rest.delete(f"{path}/{own['id']}")).status_code == 204
    other = await rest.post("/users/@me/channels", json={"recipient_id": house.nova})
    assert other.json()["id"] == dm


async def test_the_same_nonce_is_the_same_message(house: House, rest: httpx.AsyncClient) -> None:
    path = f"/channels/{house.general}/messages"
    body = {"content": "once", "nonce": "case-1", "enforce_nonce": True}
    first, second = [(await rest.post(path, json=body)).json() for _ in range(2)]
    assert first["id"] == second["id"]
    shown = await house.server.get(path)
    assert len(shown["messages"]) == 1


async def test_files_travel_as_multipart(house: House, connect: BotStarter, tmp_path: Path) -> None:
    bot = await connect(house.token)
    file = tmp_path / "evidence.txt"
    file.write_text("seen")
    channel = bot.get_channel(int(house.general))
    sent = await channel.send("look", file=discord.File(file))
    assert (sent.attachments[0].filename, sent.attachments[0].size) == ("evidence.txt", 4)


async def test_an_edit_by_its_author_reaches_the_bot_with_its_time(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    message = await house.say("fine")
    path = f"/channels/{house.general}/messages/{message['id']}"
    await house.server.ask("PUT", path, {"content": "not fine"})
    edit = await bot.heard("raw_message_edit")
    assert edit.message.content == "not fine"
    assert edit.message.edited_at is not None


async def test_own_member_changes_reach_a_bot_without_the_members_intent(
    house: House, connect: BotStarter
) -> None:
    bot = await connect(house.token)
    path = f"/guilds/{house.guild_id}/members/{house.application_id}"
    before = (await house.member(house.application_id))["roles"]
    await house.server.ask("PATCH", path, {"roles": [*before, "Moderator"]})
    await bot.heard("member_update")
    guild = bot.get_guild(int(house.guild_id))
    assert "Moderator" in {role.name for role in guild.me.roles}
