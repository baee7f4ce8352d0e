"""Two engines share the bots, replace each other, and never act for the same bot at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from support.discord_sandbox import DiscordSandbox
from support.fleet import FleetDatabase, RunningEngine, eventually, running_engine
from support.log_capture import captured_log
from support.proxy import Line

from astero_bot_engine.dispatch.guard import Refused
from astero_bot_engine.fleet.timing import Timing

QUICK = Timing(lease=1.5, renew=0.3, margin=0.2, silent_engine=1.5, reconcile=0.2, save=0.2)

# Where nobody dies, a busy machine is not to be taken for a dead engine.
PATIENT = Timing(renew=0.3, reconcile=0.2, save=0.2)


@pytest.fixture
async def line(rows: FleetDatabase) -> AsyncIterator[Line]:
    line = await Line(rows.engine_url).start()
    yield line
    await line.close()


def identifies(rows: FleetDatabase) -> int:
    return rows.ask("SELECT coalesce(sum(total - remaining), 0)::int AS n FROM identify_budgets")[0]["n"]


async def test_a_newcomer_takes_its_share_with_the_sessions_kept(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    homes = [await discord.community() for _ in range(4)]
    bots = [rows.add_bot(home) for home in homes]
    async with running_engine(rows, discord.api_url, timing=PATIENT) as first:
        for bot_id in bots:
            await rows.until(bot_id, "online")
        async with running_engine(rows, discord.api_url, timing=PATIENT) as second:
            await eventually(lambda: len(second.held) == 2)
            assert sum(first.holds(bot_id) for bot_id in bots) == 2
            assert not any(first.holds(bot_id) and second.holds(bot_id) for bot_id in bots)
            for home, bot_id in zip(homes, bots, strict=True):
                await home.say(f"for {bot_id}")
            await eventually(lambda: len(first.heard) + len(second.heard) == 4)
            assert {bot_id for bot_id, _ in second.heard} == set(second.held)
        # The second has handed its bots back.
        await eventually(lambda: all(first.holds(bot_id) for bot_id in bots))
        for bot_id in bots:
            await rows.until(bot_id, "online")
    assert identifies(rows) == 4


async def test_an_engine_that_dies_is_replaced_and_no_message_is_lost(
    discord: DiscordSandbox, rows: FleetDatabase, line: Line
) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    async with running_engine(rows, discord.api_url, engine_url=line.through, timing=QUICK) as first:
        await rows.until(bot_id, "online")
        await home.say("before")
        await eventually(lambda: (bot_id, "before") in first.heard)
        await eventually(lambda: _saved(rows) >= 3)
        line.cut()
        await vanish(first)
        await home.say("between")
        async with running_engine(rows, discord.api_url, timing=QUICK) as second:
            await eventually(lambda: (bot_id, "between") in second.heard)
            assert rows.lease(bot_id)["fence"] == 2
            assert second.fleet.fence(bot_id) == 2
    assert identifies(rows) == 1


async def test_an_engine_cut_from_the_database_stops_acting_before_another_begins(
    discord: DiscordSandbox, rows: FleetDatabase, line: Line
) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    async with running_engine(rows, discord.api_url, engine_url=line.through, timing=QUICK) as first:
        await rows.until(bot_id, "online")
        client = first.fleet.find_client(bot_id)
        assert client is not None
        line.cut()
        async with running_engine(rows, discord.api_url, timing=QUICK) as second:
            await eventually(lambda: second.held == [bot_id])
            call = await first.fleet.guard.call(client, lambda: client.http.get_channel(home.channel_id))
            assert call == Refused("bots.lease_lost")
            heard_by_first = len(first.heard)
            await home.say("whose is it")
            await eventually(lambda: (bot_id, "whose is it") in second.heard)
            assert len(first.heard) == heard_by_first

            line.mend()
            await eventually(lambda: not first.holds(bot_id))
            assert rows.lease(bot_id)["engine_id"] == second.fleet.engine_id


async def test_without_the_database_bots_stay_connected_silent_and_forget_nothing(
    discord: DiscordSandbox, rows: FleetDatabase, line: Line
) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    async with running_engine(rows, discord.api_url, engine_url=line.through, timing=QUICK) as engine:
        await rows.until(bot_id, "online")
        client = engine.fleet.find_client(bot_id)
        assert client is not None
        line.cut()
        await eventually(lambda: client._why_barred() == "bots.lease_lost")
        await home.say("into the silence")
        await eventually(lambda: engine.fleet.hosted()[0].queued > 0)
        assert client.online
        assert engine.heard == []

        line.mend()
        await eventually(lambda: (bot_id, "into the silence") in engine.heard)
        assert rows.lease(bot_id)["fence"] == 1
    assert identifies(rows) == 1


async def test_an_outage_of_the_database_is_told_when_it_begins_and_when_it_is_over(
    discord: DiscordSandbox, rows: FleetDatabase, line: Line
) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    with captured_log(level="INFO") as log:
        async with running_engine(rows, discord.api_url, engine_url=line.through, timing=QUICK) as engine:
            await rows.until(bot_id, "online")
            line.cut()
            await eventually(lambda: "leases cannot be renewed" in log.text)
            # Some rounds more of each loop.
            await asyncio.sleep(4 * QUICK.renew)
            line.mend()
            await eventually(lambda: "leases are renewed again" in log.text)
            await eventually(lambda: log.text.count("the database is back") >= 2)
            assert engine.holds(bot_id)
    said = Counter((entry["msg"], entry.get("what")) for entry in log.lines)
    for what in ("leases", "bots"):
        assert said["the database is away", what] == said["the database is back", what] == 1
    assert said["leases cannot be renewed: bots stay connected and do not act", None] == 1
    assert said["leases are renewed again: bots act", None] == 1


async def test_a_crash_loop_stops_identifying_long_before_discord_acts(
    discord: DiscordSandbox, rows: FleetDatabase
) -> None:
    home = await discord.community()
    bot_id = rows.add_bot(home)
    rows.ask(
        "INSERT INTO identify_budgets (application_id, total, remaining, max_concurrency, resets_at)"
        " VALUES (%s, 1000, 50, 1, now() + interval '1 hour')",
        home.application_id,
    )
    async with running_engine(rows, discord.api_url, timing=QUICK):
        await eventually(lambda: rows.status(bot_id)["reason"] == "bots.identify_deferred")
    assert rows.ask("SELECT remaining FROM identify_budgets")[0]["remaining"] == 50


async def vanish(engine: RunningEngine) -> None:
    """As kill -9 would: the line to Discord drops, nothing is said and nothing is saved."""
    roster = engine.fleet._roster
    for hosted in list(roster.hosted.values()):
        run = hosted._run
        assert run is not None
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    roster.hosted.clear()


def _saved(rows: FleetDatabase) -> int:
    found = rows.ask("SELECT sequence FROM gateway_sessions")
    return found[0]["sequence"] if found else 0
