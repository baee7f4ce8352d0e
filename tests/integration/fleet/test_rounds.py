"""One bot's trouble stays its own: in starting, in upkeep, in ending."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from support.discord_sandbox import DiscordSandbox
from support.fleet import FleetDatabase, RunningEngine, eventually, running_engine

from astero_bot_engine.fleet.leaving import Leaving, settle
from astero_bot_engine.fleet.statuses import Status
from astero_bot_engine.fleet.timing import Timing
from astero_bot_engine.gateway.session import SavedSession
from astero_shared.ids import new_id

QUICK = Timing(lease=5, renew=0.5, reconcile=0.2, save=0.2, recheck=0.2)


def engine_db(engine: RunningEngine) -> Any:
    return engine.fleet._db


async def test_a_slow_answer_for_one_bot_holds_up_no_round(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    slow, other = await discord.community(flags=0), await discord.community()
    degraded = rows.add_bot(slow)
    async with running_engine(rows, discord.api_url, timing=QUICK) as engine:
        await rows.until(degraded, "degraded", "bots.intents_missing")
        # The degraded bot's next look at its application hangs.
        await slow.fault("rest", path="/applications/@me", latency=60, count=1)
        while await discord.faults():  # noqa: ASYNC110 - until it is hanging
            await asyncio.sleep(0.05)
        quick = rows.add_bot(other)
        async with asyncio.timeout(30):
            assert await engine.fleet.reconcile(quick)
            await rows.until(quick, "online")


async def test_a_missing_intent_that_is_allowed_later_heals_by_itself(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    home = await discord.community(flags=0)
    bot_id = rows.add_bot(home)
    async with running_engine(rows, discord.api_url, timing=QUICK) as engine:
        await rows.until(bot_id, "degraded", "bots.intents_missing")
        await discord.patch(f"/applications/{home.application_id}", flags=1 << 19)
        await rows.until(bot_id, "online")
        client = engine.fleet.find_client(bot_id)
        assert client is not None
        # The new session may begin 5 s after the last one: Discord's window between identifies.
        await eventually(lambda: client.epoch == 2 and client.online)
        await home.say("readable")
        await eventually(lambda: (bot_id, "readable") in engine.heard)


async def test_a_bot_whose_actions_do_not_finish_ends_without_holding_up_another(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    busy, other = await discord.community(), await discord.community()
    ending, running = rows.add_bot(busy), rows.add_bot(other)
    started = asyncio.Event()

    async def act() -> None:
        started.set()
        await asyncio.Event().wait()

    def listen(event: Any) -> Coroutine[Any, Any, None] | None:
        return act() if event.bot.bot_id == ending else None

    async with running_engine(rows, discord.api_url, timing=QUICK) as engine:
        engine.listeners.always("MESSAGE_CREATE", listen)
        await rows.until(ending, "online")
        await rows.until(running, "online")
        await busy.say("hang")
        await started.wait()
        rows.want(ending, "stopped")
        rows.want(running, "stopped")
        assert await engine.fleet.reconcile(running) is False
        # The busy one is given three seconds; the other does not wait for them.
        first, second = [await rows.until(bot_id, "stopped") for bot_id in (running, ending)]
        assert first["since_at"] + timedelta(seconds=1) < second["since_at"]


async def test_settings_that_cannot_be_loaded_stop_that_bot_alone(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    homes = [await discord.community() for _ in range(2)]
    broken, fine = (rows.add_bot(home) for home in homes)

    async with running_engine(rows, discord.api_url, timing=QUICK, start=False) as engine:
        load = engine.fleet.settings.load_bot

        async def load_bot(bot_id: Any) -> None:
            if bot_id == broken:
                raise ValueError("one bot's trouble")
            await load(bot_id)

        engine.fleet.settings.load_bot = load_bot
        engine.begin()
        await rows.until(broken, "stopped", "bots.internal_error")
        await rows.until(fine, "online")


async def test_a_server_the_bot_has_left_already_counts_as_left(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    elsewhere = 1_200_000_000_000_000_001
    rows.ask(
        "INSERT INTO installations (id, bot_id, guild_id, guild_name, guild_owner_id, member_count,"
        " present, joined_at, removed_at) VALUES (%s, %s, %s, 'Gone', 1, 3, true, now(), now())",
        new_id(), bot_id, elsewhere,
    )  # fmt: skip
    query = "SELECT present FROM installations WHERE guild_id = %s"
    async with running_engine(rows, discord.api_url, timing=QUICK):
        await eventually(lambda: not rows.ask(query, elsewhere)[0]["present"])


async def test_a_holder_that_was_replaced_has_no_last_word(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    async with running_engine(rows, discord.api_url, timing=QUICK) as engine:
        await rows.until(bot_id, "online")
        await eventually(lambda: rows.ask("SELECT 1 FROM gateway_sessions"))
        before = rows.ask("SELECT session_id FROM gateway_sessions")
        late = Leaving(0, Status("stopped"), SavedSession("old", "wss://old", 1, 1))
        # Word of an earlier lease of this very engine, then of another engine.
        for engine_id in (engine.fleet.engine_id, new_id()):
            await settle(engine_db(engine), engine_id, {bot_id: late})
        assert rows.status(bot_id)["state"] == "online"
        assert rows.lease(bot_id)["engine_id"] == engine.fleet.engine_id
        assert rows.ask("SELECT session_id FROM gateway_sessions") == before


async def test_saving_a_sequence_leaves_the_guilds_alone(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    row = "SELECT sequence, guilds FROM gateway_sessions WHERE bot_id = %s"
    async with running_engine(rows, discord.api_url, timing=QUICK) as engine:
        await rows.until(bot_id, "online")
        await eventually(lambda: (found := rows.ask(row, bot_id)) and found[0]["guilds"])
        first = rows.ask(row, bot_id)[0]
        await home.say("one more")
        await eventually(lambda: engine.heard)
        await eventually(lambda: rows.ask(row, bot_id)[0]["sequence"] > first["sequence"])
        assert rows.ask(row, bot_id)[0]["guilds"] == first["guilds"]
        assert list(first["guilds"]) == [str(home.guild_id)]
