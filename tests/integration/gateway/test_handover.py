"""A session outlives its process: another one resumes it with no identify, no lost event and full caches."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from support.discord_sandbox import DiscordSandbox

from astero_bot_engine.dispatch.events import RawEvent
from astero_bot_engine.gateway.admission import IdentifyDeferredError
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.intents import GUILD_MESSAGES, MESSAGE_CONTENT
from astero_bot_engine.gateway.outcomes import Online, Stopped

from .conftest import Engine


async def identifies(discord: DiscordSandbox, application_id: int) -> int:
    return sum(
        entry.get("op") == 2
        and entry["direction"] == "in"
        and entry.get("applicationId") in (None, str(application_id))
        for entry in await discord.log()
        if entry["kind"] == "gateway"
    )


async def test_another_process_goes_on_where_this_one_stopped(
    discord: DiscordSandbox, engine: Engine
) -> None:
    home = await discord.community()
    first = engine.start(home.token, home.guild_id)
    await first.reported(Online)
    await home.say("one")
    await first.heard(1)
    before = await identifies(discord, home.application_id)
    assert await first.stop(keep_session=True) == Stopped(kept=True)
    saved = first.client.export_session(everything=True)
    await home.say("two")

    second = engine.start(home.token, home.guild_id, saved=saved)
    assert await second.reported(Online) == Online(resumed=True)
    assert await second.heard(1) == ["two"]
    assert await identifies(discord, home.application_id) == before
    guild = second.client.get_guild(home.guild_id)
    assert guild is not None
    assert guild.get_channel(home.channel_id) is not None
    assert guild.me.id == second.client.own_id
    assert second.client.settled


async def test_what_was_not_finished_is_heard_again(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    started = asyncio.Event()
    forever = asyncio.Event()

    async def act(_event: RawEvent) -> None:
        started.set()
        await forever.wait()

    def listen(event: RawEvent) -> Coroutine[Any, Any, None] | None:
        return act(event) if event.decode(dict)["content"] == "slow" else None

    engine.listeners.when_active("automod", "MESSAGE_CREATE", listen)
    first = engine.start(home.token, home.guild_id)
    await first.reported(Online)
    await home.say("slow")
    await home.say("after")
    await first.heard(2)
    await started.wait()
    await first.stop(keep_session=True)
    saved = first.client.export_session(everything=True)

    forever.set()
    second = engine.start(home.token, home.guild_id, saved=saved)
    assert await second.heard(2) == ["slow", "after"]


async def test_changes_of_a_guild_are_in_the_saved_session(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community(permissions=1 << 4)  # MANAGE_CHANNELS
    first = engine.start(home.token, home.guild_id)
    await first.reported(Online)
    await home.say("here")
    await first.heard(1)
    saved = first.client.export_session()
    assert saved is not None
    assert set(saved.guilds) == {home.guild_id}
    again = first.client.export_session()
    assert again is not None
    assert again.guilds == {}, "nothing changed since"

    await first.client.http.edit_channel(home.channel_id, name="renamed")
    await home.say("later")
    await first.heard(2)
    await first.stop(keep_session=True)
    changed = first.client.export_session()
    assert changed is not None
    assert set(changed.guilds) == {home.guild_id}

    second = engine.start(home.token, home.guild_id, saved=changed)
    await second.reported(Online)
    channel = second.client.get_channel(home.channel_id)
    assert getattr(channel, "name", None) == "renamed"


async def test_a_saved_session_with_too_few_intents_is_not_resumed(
    discord: DiscordSandbox, engine: Engine
) -> None:
    home = await discord.community()
    first = engine.start(home.token, home.guild_id, needs={})
    await first.reported(Online)
    await first.stop(keep_session=True)

    second = engine.start(home.token, home.guild_id, saved=first.client.export_session(everything=True))
    assert await second.reported(Online) == Online(resumed=False)


async def test_a_module_that_needs_more_identifies_anew_and_hears(
    discord: DiscordSandbox, engine: Engine
) -> None:
    home = await discord.community()
    bot = engine.start(home.token, home.guild_id, needs={})
    await bot.reported(Online)
    await bot.client.need({"automod": 1 << 9 | 1 << 15})

    assert await bot.reported(Online) == Online(resumed=False)
    await home.say("now")
    assert await bot.heard(1) == ["now"]


async def test_the_old_line_works_until_the_new_one_may_identify(
    discord: DiscordSandbox, engine: Engine
) -> None:
    home = await discord.community()
    may_identify = asyncio.Event()
    deferrals = iter(range(2))

    async def admit(client: BotClient) -> str:
        if client.epoch and next(deferrals, None) is not None:
            raise IdentifyDeferredError(0.01)
        if client.epoch:
            await may_identify.wait()
        return await engine.admit(client)

    bot = engine.start(home.token, home.guild_id, needs={"automod": GUILD_MESSAGES}, admit=admit)
    await bot.reported(Online)
    for _ in range(2):
        await bot.client.need({"automod": GUILD_MESSAGES | MESSAGE_CONTENT})
    await home.say("while it waits")
    # Without the intent for it the content is empty; that it came is what matters.
    assert await bot.heard(1) == [""]
    assert bot.client.online

    may_identify.set()
    assert await bot.reported(Online) == Online(resumed=False)
    await bot.client.need({"automod": GUILD_MESSAGES | MESSAGE_CONTENT})
    await home.say("now")
    assert await bot.heard(2) == ["", "now"]
    assert (bot.client.epoch, bot.client.online) == (2, True)


async def test_a_line_that_breaks_while_it_waits_for_its_turn_is_made_again(
    discord: DiscordSandbox, engine: Engine
) -> None:
    home = await discord.community()
    turns: list[int] = []

    async def admit(client: BotClient) -> str:
        turns.append(client.epoch)
        if len(turns) == 2:
            await asyncio.Event().wait()
        return await engine.admit(client)

    bot = engine.start(home.token, home.guild_id, needs={"automod": GUILD_MESSAGES}, admit=admit)
    await bot.reported(Online)
    await bot.client.need({"automod": GUILD_MESSAGES | MESSAGE_CONTENT})
    while len(turns) < 2:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)
    await home.fault("invalid_session", resumable=False)
    assert await bot.reported(Online) == Online(resumed=False)
    await home.say("now")
    assert await bot.heard(1) == ["now"]
    assert turns == [0, 1, 1]


async def test_a_session_discord_forgot_meanwhile_costs_an_identify_and_no_more(
    discord: DiscordSandbox, engine: Engine
) -> None:
    home = await discord.community()
    first = engine.start(home.token, home.guild_id)
    await first.reported(Online)
    await first.stop(keep_session=True)
    saved = first.client.export_session(everything=True)
    await home.fault("expire_sessions")

    second = engine.start(home.token, home.guild_id, saved=saved)
    assert await second.reported(Online) == Online(resumed=False)
    await home.say("hello again")
    assert await second.heard(1) == ["hello again"]
