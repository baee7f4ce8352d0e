"""Bots share a process and do not feel each other: no threads, no starvation, no shared failure."""

import asyncio
import threading

from support import feeder
from support.feeder import GUILD_ID

from astero_bot_engine.gateway.outcomes import Online, Stopped

from .conftest import Engine


async def test_bots_add_no_threads(feed: feeder.Feeder, fed_engine: Engine) -> None:
    first = fed_engine.start("token", GUILD_ID)
    await first.reported(Online)
    before = threading.active_count()
    more = [fed_engine.start("token", GUILD_ID) for _ in range(20)]
    for bot in more:
        await bot.reported(Online)
    assert threading.active_count() <= before  # one that helped to start may have ended
    assert len(fed_engine.heartbeats) == 21


async def test_an_event_that_breaks_a_parser_is_counted_and_the_bot_goes_on(
    feed: feeder.Feeder, fed_engine: Engine
) -> None:
    bot = fed_engine.start("token", GUILD_ID)
    await bot.reported(Online)
    await feed.event("CHANNEL_UPDATE", {"guild_id": str(GUILD_ID), "type": 0})
    await feed.event("MESSAGE_CREATE", {"guild_id": 5, "content": "an id that is no string"})
    await feed.event("MESSAGE_CREATE", feeder.message(1, "still alive"))

    assert await bot.heard(1) == ["still alive"]
    assert bot.client.failures == {"CHANNEL_UPDATE": 1, "MESSAGE_CREATE": 1}


async def test_a_broken_compressed_stream_is_left_and_resumed_or_begun_anew(
    feed: feeder.Feeder, fed_engine: Engine
) -> None:
    bot = fed_engine.start("token", GUILD_ID)
    await bot.reported(Online)
    for ws in list(feed._connections):
        await ws.send_bytes(b"not deflate\x00\x00\xff\xff")

    # The feeder knows no RESUME: three attempts bring nothing, then a new session is begun.
    feed.cut_on_resume = True
    assert await bot.reported(Online) == Online(resumed=False)


async def test_one_bots_flood_does_not_starve_another(feed: feeder.Feeder, fed_engine: Engine) -> None:
    noisy = fed_engine.start("token", GUILD_ID)
    await noisy.reported(Online)
    noisy_line = list(feed._connections)
    quiet = fed_engine.start("token", GUILD_ID)
    await quiet.reported(Online)
    [quiet_line] = [ws for ws in feed._connections if ws not in noisy_line]

    flood = asyncio.create_task(feed.flood(20_000, ["noise"], only=noisy_line))
    await noisy.heard(100)
    await feed._event(quiet_line, "MESSAGE_CREATE", feeder.message(1, "me too"))
    await quiet.heard(1)
    assert len(noisy.events) < 20_000, "the quiet bot waited for the whole flood"
    await flood
    await noisy.heard(20_000)
    assert noisy.client._router.lane.status().dropped == {}  # pyright: ignore[reportAttributeAccessIssue]


async def test_stopping_one_bot_leaves_the_others_their_connections(
    feed: feeder.Feeder, fed_engine: Engine
) -> None:
    one, other = fed_engine.start("token", GUILD_ID), fed_engine.start("token", GUILD_ID)
    await one.reported(Online)
    await other.reported(Online)

    assert await one.stop(keep_session=False) == Stopped(kept=False)
    assert other.client.online
    await other.client.read_application()
    await feed.event("MESSAGE_CREATE", feeder.message(1, "here"))
    assert await other.heard(1) == ["here"]
    assert one.events == []
