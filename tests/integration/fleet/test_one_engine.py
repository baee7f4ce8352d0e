"""What runs follows what the database wants, and the owner sees why."""

import asyncio

from support.discord_sandbox import DiscordSandbox
from support.fleet import FleetDatabase, eventually, new_keyring, running_engine
from support.log_capture import captured_log

from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.i18n import text

WARN = 40


async def test_a_wanted_bot_comes_online_and_is_told_so(discord: DiscordSandbox, rows: FleetDatabase) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    async with running_engine(rows, discord.api_url) as engine:
        status = await rows.until(bot_id, "online")
        assert status["engine_id"] == engine.fleet.engine_id
        assert rows.lease(bot_id)["engine_id"] == engine.fleet.engine_id
        assert engine.held == [bot_id]
        assert [bot.state for bot in engine.fleet.hosted()] == ["online"]
        await home.say("hello")
        await eventually(lambda: (bot_id, "hello") in engine.heard)


async def test_stopping_and_starting_follow_the_owner(discord: DiscordSandbox, rows: FleetDatabase) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    async with running_engine(rows, discord.api_url) as engine:
        await rows.until(bot_id, "online")
        rows.want(bot_id, "stopped")
        assert await engine.fleet.reconcile(bot_id) is False
        assert rows.status(bot_id)["state"] == "stopped"
        assert not rows.lease(bot_id)["live"]
        assert rows.ask("SELECT * FROM gateway_sessions WHERE bot_id = %s", bot_id) == []

        rows.want(bot_id, "running")
        assert await engine.fleet.reconcile(bot_id) is True
        await rows.until(bot_id, "online")
        assert rows.lease(bot_id)["fence"] == 2


async def test_a_suspended_owners_bot_leaves_and_comes_back(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    home, other = await discord.community(), await discord.community()
    bot_id, stopped = rows.add_bot(home), rows.add_bot(other)
    rows.want(stopped, "stopped")
    async with running_engine(rows, discord.api_url) as engine:
        await rows.until(bot_id, "online")
        rows.ask("UPDATE bots SET suspended_at = now() WHERE kind = 'branded'")
        assert await engine.fleet.reconcile(bot_id) is False
        for suspended in (bot_id, stopped):
            await rows.until(suspended, "stopped", "bots.owner_suspended")
        assert not rows.lease(bot_id)["live"]
        for locale in ("en", "fr"):
            assert len(text("states.bots.owner_suspended", locale)) > 40

        rows.ask("UPDATE bots SET suspended_at = NULL")
        assert await engine.fleet.reconcile(bot_id) is True
        await rows.until(bot_id, "online")
        await rows.until(stopped, "stopped")


async def test_a_bot_whose_owner_was_suspended_while_no_engine_ran_is_not_touched(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    bot_id = rows.add_bot(await discord.community())
    rows.ask("UPDATE bots SET suspended_at = now() WHERE id = %s", bot_id)
    async with running_engine(rows, discord.api_url) as engine:
        await rows.until(bot_id, "stopped", "bots.owner_suspended")
        for _ in range(3):
            assert await engine.fleet.reconcile(bot_id) is False
        assert rows.lease(bot_id)["fence"] == 0


async def test_a_removed_bot_says_so(discord: DiscordSandbox, rows: FleetDatabase) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    async with running_engine(rows, discord.api_url) as engine:
        await rows.until(bot_id, "online")
        rows.ask("UPDATE bots SET removed_at = now() WHERE id = %s", bot_id)
        await engine.fleet.reconcile(bot_id)
        assert rows.status(bot_id)["state"] == "removed"


async def test_a_bot_stopped_while_no_engine_ran_is_told_stopped(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    rows.want(bot_id, "stopped")
    async with running_engine(rows, discord.api_url):
        await rows.until(bot_id, "stopped")


async def test_a_refused_token_waits_for_another_one(discord: DiscordSandbox, rows: FleetDatabase) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home, token="MTIz.abc.def")
    async with running_engine(rows, discord.api_url) as engine:
        await rows.until(bot_id, "token_invalid", "bots.token_invalid")
        await eventually(lambda: not rows.lease(bot_id)["live"])
        assert await engine.fleet.reconcile(bot_id) is False

        rows.set_token(bot_id, home.token)
        assert await engine.fleet.reconcile(bot_id) is True
        await rows.until(bot_id, "online")


async def test_a_token_that_cannot_be_opened_stops_that_bot_and_no_other(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    home, other = await discord.community(), await discord.community()
    closed, open_ = rows.add_bot(home), rows.add_bot(other)
    rows.set_token(closed, home.token, keyring=new_keyring(key_id=9))
    async with running_engine(rows, discord.api_url):
        await rows.until(closed, "stopped", "bots.secret_unavailable")
        await rows.until(open_, "online")


async def test_the_shared_bot_without_a_token_is_not_configured(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    async with running_engine(rows, discord.api_url):
        await rows.until(SHARED_BOT_ID, "stopped", "bots.not_configured")


async def test_the_shared_bot_runs_with_the_token_of_the_environment(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    home = await discord.community()
    async with running_engine(rows, discord.api_url, shared_token=home.token):
        await rows.until(SHARED_BOT_ID, "online")
        known = rows.ask("SELECT application_id, name FROM bots WHERE id = %s", SHARED_BOT_ID)[0]
        assert known["application_id"] == home.application_id


async def test_a_missing_intent_degrades_and_tells_where_to_allow_it(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    home = await discord.community(flags=0)
    bot_id = rows.add_bot(home)
    async with running_engine(rows, discord.api_url):
        status = await rows.until(bot_id, "degraded", "bots.intents_missing")
        assert status["detail"]["missingIntents"] == ["MESSAGE_CONTENT"]
        assert status["detail"]["modules"] == ["automod"]
        assert str(home.application_id) in status["detail"]["portalUrl"]


async def test_an_engine_that_ends_leaves_nothing_behind_but_the_sessions(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    async with running_engine(rows, discord.api_url):
        await rows.until(bot_id, "online")
    assert rows.ask("SELECT * FROM engines") == []
    assert not rows.lease(bot_id)["live"]
    assert len(rows.ask("SELECT * FROM gateway_sessions WHERE bot_id = %s", bot_id)) == 1

    await home.say("while nobody was there")
    async with running_engine(rows, discord.api_url) as engine:
        # Resumed, not identified: the message in between is replayed.
        await eventually(lambda: (bot_id, "while nobody was there") in engine.heard)
        client = engine.fleet.find_client(bot_id)
        assert client is not None
        assert client.get_guild(home.guild_id).get_channel(home.channel_id) is not None  # pyright: ignore[reportOptionalMemberAccess]
    spent = rows.ask("SELECT total - remaining AS spent FROM identify_budgets")[0]["spent"]
    assert spent == 1


async def test_a_shared_bot_whose_application_is_a_customers_waits_and_holds_up_nobody(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    home, other = await discord.community(), await discord.community()
    branded, beside = rows.add_bot(home), rows.add_bot(other)
    while await discord.connections():  # noqa: ASYNC110 - those of the test before are being closed
        await asyncio.sleep(0.02)
    with captured_log() as log:
        async with running_engine(rows, discord.api_url, shared_token=home.token):
            status = await rows.until(SHARED_BOT_ID, "starting", "bots.application_taken")
            await rows.until(branded, "online")
            await rows.until(beside, "online")
            # One line in the server, not two that both act.
            assert await discord.connections() == 2

            # The customer leaves: the application is the operator's alone.
            rows.ask("UPDATE bots SET removed_at = now() WHERE id = %s", branded)
            await rows.until(SHARED_BOT_ID, "online")
            known = rows.ask("SELECT application_id FROM bots WHERE id = %s", SHARED_BOT_ID)[0]
            assert known["application_id"] == home.application_id
        said = [line for line in log.lines if line["msg"] == "another bot is hosted with this application"]
    assert [(line["level"], line["bot"]) for line in said] == [(WARN, str(SHARED_BOT_ID))]
    assert text(f"states.{status['reason']}", "en")


async def test_the_shared_bot_follows_its_token_to_another_application(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    first, second = await discord.community(), await discord.community()
    query = "SELECT 1 FROM bots WHERE id = %s AND application_id = %s"
    for home in (first, second):
        async with running_engine(rows, discord.api_url, shared_token=home.token) as engine:
            await eventually(lambda now=home.application_id: rows.ask(query, SHARED_BOT_ID, now))
            client = await eventually(lambda engine=engine: engine.fleet.find_client(SHARED_BOT_ID))
            assert [guild.id for guild in client.guilds] == [home.guild_id]
