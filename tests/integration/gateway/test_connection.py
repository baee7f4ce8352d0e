"""A bot comes online, stays online whatever the line does, and ends only where it must."""

import asyncio

import pytest
from support.discord_sandbox import DiscordSandbox
from support.log_capture import captured_log

from astero_bot_engine.dispatch.guard import Refused
from astero_bot_engine.gateway.admission import IdentifyDeferredError
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.outcomes import (
    Fatal,
    IntentsMissing,
    Online,
    Reconnecting,
    Stopped,
    TokenInvalid,
)

from .conftest import Engine

# Only where beats are what is tested: a busy machine that is late with one has its bot sent away.
QUICK_BEATS = pytest.mark.parametrize(
    "sandbox_url", [("--heartbeat-ms", "300")], indirect=True, ids=["quick beats"]
)


async def test_a_message_reaches_the_listener_as_bytes(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    assert await bot.reported(Online) == Online(resumed=False)
    message_id = await home.say("hello")

    assert await bot.heard(1) == ["hello"]
    event = bot.events[0]
    assert (event.guild_id, event.decode(dict)["id"]) == (str(home.guild_id), str(message_id))
    assert b"hello" in bytes(event.payload)


async def test_guilds_channels_roles_and_own_member_are_cached_and_nobody_else(
    discord: DiscordSandbox, engine: Engine
) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)
    await home.say("now the guild is there")
    await bot.heard(1)

    guild = bot.client.get_guild(home.guild_id)
    assert guild is not None
    assert guild.get_channel(home.channel_id) is not None
    assert guild.me.id == bot.client.own_id
    assert [member.id for member in guild.members] == [bot.client.own_id]


async def test_a_cut_line_is_resumed_and_nothing_is_missed(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)
    await home.say("one")
    await bot.heard(1)
    await home.fault("disconnect")
    await home.say("two")

    assert await bot.reported(Online) == Online(resumed=True)
    await home.say("three")
    assert await bot.heard(3) == ["one", "two", "three"]


async def test_a_lost_line_and_its_return_are_told_once(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    refusals = iter(range(5))

    async def admit(client: BotClient) -> str:
        if next(refusals, None) is not None:
            raise IdentifyDeferredError(0.01)
        return await engine.admit(client)

    with captured_log(level="INFO") as log:
        bot = engine.start(home.token, home.guild_id, admit=admit)
        await bot.reported(Online)
        for _ in range(2):
            await home.fault("disconnect")
            await bot.reported(Online)
    said = [line for line in log.lines if line["msg"].startswith("bot ")]
    assert [(line["msg"], line.get("reason")) for line in said] == [
        ("bot disconnected", "bots.identify_deferred"),
        ("bot online", None),
        *[("bot disconnected", "connection lost"), ("bot online", None)] * 2,
    ]


async def test_reconnect_asked_by_discord_resumes(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)
    await home.fault("reconnect")

    assert await bot.reported(Online) == Online(resumed=True)


async def test_an_invalid_session_is_identified_anew(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)
    await home.fault("invalid_session", resumable=False)

    assert await bot.reported(Online) == Online(resumed=False)
    await home.say("still here")
    assert await bot.heard(1) == ["still here"]


@QUICK_BEATS
async def test_a_silent_gateway_is_left_and_resumed(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)
    await home.fault("heartbeat_silence")

    await bot.reported(Reconnecting)
    await discord.fault("clear")
    assert await bot.reported(Online) == Online(resumed=True)


@QUICK_BEATS
async def test_latency_is_that_of_the_last_acknowledged_beat(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)
    while not 0 < bot.client.latency < float("inf"):  # noqa: ASYNC110 - nothing tells of an ACK
        await asyncio.sleep(0.01)


async def test_a_session_discord_forgot_is_replaced_by_a_new_one(
    discord: DiscordSandbox, engine: Engine
) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)
    await discord.fault("expire_sessions")
    await home.fault("disconnect")

    assert await bot.reported(Online) == Online(resumed=False)


async def test_a_wrong_token_is_told_apart_and_not_tried_again(
    discord: DiscordSandbox, engine: Engine
) -> None:
    bot = engine.start("MTIz.abc.def")
    assert await bot.run == TokenInvalid()
    asked = [entry for entry in await discord.log() if entry.get("path", "").endswith("/users/@me")]
    assert sum(entry.get("status") == 401 for entry in asked) == 1


async def test_a_token_reset_while_online_ends_the_bot(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)
    await home.fault("close", code=4004)

    assert await bot.run == TokenInvalid()


async def test_one_401_from_rest_latches_the_token(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)
    await home.fault("rest", status=401, path="/channels/")
    refused = await engine.guard.call(
        bot.client, lambda: bot.client.http.get_channel(home.channel_id), guild_id=home.guild_id
    )

    assert refused == Refused("bots.token_invalid")
    assert await bot.run == TokenInvalid()
    again = await engine.guard.call(bot.client, lambda: bot.client.http.get_channel(home.channel_id))
    assert again == refused


async def test_a_close_code_nothing_mends_ends_the_bot(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)
    await home.fault("close", code=4013)

    assert await bot.run == Fatal(4013)


async def test_a_missing_intent_costs_the_module_and_not_the_bot(
    discord: DiscordSandbox, engine: Engine
) -> None:
    home = await discord.community(flags=0)
    bot = engine.start(home.token, home.guild_id)
    missing = await bot.reported(IntentsMissing)

    assert missing.plan.missing == ("MESSAGE_CONTENT",)
    assert missing.plan.modules == ("automod",)
    assert missing.plan.portal_url.endswith(f"/applications/{home.application_id}/bot")
    assert await bot.reported(Online) == Online(resumed=False)
    await home.say("unread")
    assert await bot.heard(1) == [""]


async def test_intents_refused_after_all_are_left_out(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)
    await home.fault("close", code=4014)

    missing = await bot.reported(IntentsMissing)
    assert missing.plan.missing == ("MESSAGE_CONTENT",)
    assert await bot.reported(Online) == Online(resumed=False)


async def test_stopping_for_good_takes_the_session_along(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)

    assert await bot.stop(keep_session=False) == Stopped(kept=False)
    left = bot.client.export_session(everything=True)
    second = engine.start(home.token, home.guild_id, saved=left)
    # Closed with 1000: Discord has forgotten the session, so there is nothing to resume.
    assert await second.reported(Online) == Online(resumed=False)
