"""What can be foreseen is not asked; what Discord answers comes back typed; budgets bar whom they must."""

import asyncio
from typing import Any

import discord as dpy
import pytest
from support.discord_sandbox import Community, DiscordSandbox

from astero_bot_engine.dispatch.guard import Done, Failed, Refused
from astero_bot_engine.dispatch.invalid_budget import QUARANTINED
from astero_bot_engine.dispatch.permissions import bot_permissions
from astero_bot_engine.gateway.outcomes import Online

from .conftest import Engine, Hosted

BAN = dpy.Permissions(ban_members=True).value
DELETE = dpy.Permissions(manage_messages=True).value


async def hosted(engine: Engine, home: Community) -> Hosted:
    bot = engine.start(home.token, home.guild_id)
    await bot.reported(Online)
    await bot.client.wait_until_settled()
    return bot


async def rest_calls(discord: DiscordSandbox) -> int:
    return sum(entry["kind"] == "rest" for entry in await discord.log())


async def test_a_missing_permission_is_refused_without_asking(
    discord: DiscordSandbox, engine: Engine
) -> None:
    home = await discord.community(permissions=0)
    bot = await hosted(engine, home)
    before = await rest_calls(discord)
    result = await engine.guard.call(
        bot.client,
        lambda: bot.client.http.ban(home.member_id, home.guild_id),
        guild_id=home.guild_id,
        needs=BAN,
        target_id=home.member_id,
    )

    assert result == Refused("guard.missing_permission:ban_members")
    assert await rest_calls(discord) == before


async def test_an_allowed_action_is_done(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community(permissions=BAN | DELETE)
    bot = await hosted(engine, home)
    message_id = await home.say("delete me")
    deleted = await engine.guard.call(
        bot.client,
        lambda: bot.client.http.delete_message(home.channel_id, message_id),
        guild_id=home.guild_id,
        channel_id=home.channel_id,
        needs=DELETE,
    )
    banned = await engine.guard.call(
        bot.client,
        lambda: bot.client.http.ban(home.member_id, home.guild_id),
        guild_id=home.guild_id,
        needs=BAN,
        target_id=home.member_id,
    )

    assert isinstance(deleted, Done)
    assert isinstance(banned, Done)


@pytest.mark.parametrize("who", ["owner", "self"])
async def test_owner_and_self_stand_in_the_way(discord: DiscordSandbox, engine: Engine, who: str) -> None:
    home = await discord.community(permissions=BAN)
    bot = await hosted(engine, home)
    target = home.owner_id if who == "owner" else bot.client.own_id
    result = await engine.guard.call(bot.client, _never, guild_id=home.guild_id, needs=BAN, target_id=target)
    assert result == Refused(f"guard.target_is_{who}")


async def test_discords_refusal_keeps_its_code(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community(permissions=DELETE)
    bot = await hosted(engine, home)
    result = await engine.guard.call(bot.client, lambda: bot.client.http.delete_message(home.channel_id, 1))
    assert result == Failed(404, 10008)


async def test_an_unknown_guild_or_channel_is_refused(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = await hosted(engine, home)
    unknown = await engine.guard.call(bot.client, _never, guild_id=1)
    channel = await engine.guard.call(bot.client, _never, guild_id=home.guild_id, channel_id=1)
    assert unknown == Refused("guard.unknown_guild")
    assert channel == Refused("guard.unknown_channel")
    assert bot_permissions(bot.client, 1) is None


async def test_every_refusal_counts_and_the_burner_is_barred_alone(
    discord: DiscordSandbox, engine: Engine
) -> None:
    engine.guard.budget.limit = 10
    home, other = await discord.community(permissions=0), await discord.community()
    burner, calm = await hosted(engine, home), await hosted(engine, other)
    for _ in range(8):
        with pytest.raises(dpy.Forbidden):
            await burner.client.http.ban(home.member_id, home.guild_id)

    assert engine.guard.budget.of(burner.client.bot_id) == 8
    barred = await engine.guard.call(burner.client, lambda: burner.client.http.get_guild(home.guild_id))
    assert barred == Refused(QUARANTINED)
    free = await engine.guard.call(calm.client, lambda: calm.client.http.get_guild(other.guild_id))
    assert isinstance(free, Done)


async def test_each_429_on_the_way_counts(discord: DiscordSandbox, engine: Engine) -> None:
    home = await discord.community()
    bot = await hosted(engine, home)
    await home.fault("rest", path="/guilds/", status=429, retry_after=0.01, count=2)
    result = await engine.guard.call(bot.client, lambda: bot.client.http.get_guild(home.guild_id))
    assert isinstance(result, Done)
    assert engine.guard.budget.of(bot.client.bot_id) == 2


async def test_one_bots_slow_calls_leave_another_its_places(discord: DiscordSandbox, engine: Engine) -> None:
    home, other = await discord.community(), await discord.community()
    slow, quick = await hosted(engine, home), await hosted(engine, other)
    release = asyncio.Event()
    started: list[int] = []

    async def hang() -> None:
        started.append(1)
        await release.wait()

    waiting = [asyncio.create_task(engine.guard.call(slow.client, hang)) for _ in range(20)]
    while len(started) < 8:  # noqa: ASYNC110 - the guard tells nobody
        await asyncio.sleep(0)
    result = await engine.guard.call(quick.client, lambda: quick.client.http.get_guild(other.guild_id))
    assert isinstance(result, Done)
    assert len(started) == 8, "more than its places"
    release.set()
    await asyncio.gather(*waiting)


async def _never() -> Any:
    raise AssertionError("was sent although it was known to fail")
