"""The client side of the gateway figures, one process a variant: `floor`, `quiet` or `rules`.

Connects as many bots as asked, says `online`, then answers each line on standard input with what it used.
"""

import asyncio
import json
import os
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import aiohttp
import discord
import msgspec
import uvloop
import yarl
from discord.http import Route
from loguru import logger

from astero_bot_engine.dispatch.events import RawEvent
from astero_bot_engine.dispatch.interest import Interest
from astero_bot_engine.dispatch.listeners import Listeners
from astero_bot_engine.dispatch.queue import FairQueue, Lane
from astero_bot_engine.dispatch.router import Router
from astero_bot_engine.features.automod.listeners import MODULE, AutomodListener
from astero_bot_engine.features.modules.service import SettingsMemory
from astero_bot_engine.gateway.allocator import keep_large_blocks_apart
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.heartbeat import HeartbeatScheduler
from astero_bot_engine.gateway.intents import GUILD_MESSAGES, MESSAGE_CONTENT
from astero_bot_engine.gateway.outcomes import Online
from astero_bot_engine.gateway.rest import RestTransport
from astero_shared.features.automod.rules import compile_config
from astero_shared.features.modules.tables import ModuleConfig
from astero_shared.ids import new_id
from tests.support.feeder import GUILD_ID

# All six rules on, as a community of some size would have them.
SIX_RULES = {
    "words": {"enabled": True, "words": [f"badword{n}" for n in range(40)] + ["spam*", "*scam"]},
    "links": {"enabled": True, "allowedDomains": ["youtube.com", "wikipedia.org", "github.com"]},
    "invites": {"enabled": True},
    "caps": {"enabled": True},
    "mentions": {"enabled": True},
    "emoji": {"enabled": True},
}
_NEEDS = {MODULE: GUILD_MESSAGES | MESSAGE_CONTENT}


class _Named(msgspec.Struct):
    name: str


class Floor(discord.Client):
    """discord.py as it comes, with the settings of a bot that keeps no caches and an empty handler."""

    def __init__(self, over: Callable[[], None]) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True, guild_messages=True, message_content=True),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.02,
        )
        self._over = over
        self.came = asyncio.Event()

    async def on_ready(self) -> None:
        self.came.set()

    async def on_message(self, message: discord.Message) -> None:
        """Nothing is what is measured."""

    async def on_guild_update(self, _before: discord.Guild, after: discord.Guild) -> None:
        if after.name == "over":
            self._over()


async def connect_floor(url: str, gateway: str, count: int, over: Callable[[], None]) -> list[Any]:
    Route.BASE = url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
    bots = [Floor(over) for _ in range(count)]
    kept: list[Any] = [*bots]
    for bot in bots:
        kept.append(asyncio.create_task(bot.start("token")))
        await bot.came.wait()
    return kept


class Ours:
    """Bots as the engine hosts them, on one transport; `rules` switches the six rules on."""

    def __init__(self, url: str, gateway: str, over: Callable[[], None], *, rules: bool) -> None:
        keep_large_blocks_apart()
        self._gateway = gateway
        self._rules = rules
        self._transport = RestTransport(api_url=url)
        self._heartbeats = HeartbeatScheduler()
        self._queue = FairQueue()
        self._listeners = Listeners()
        self._memory = SettingsMemory(
            cast("Any", None), prepare={MODULE: compile_config}, announce=lambda *_: None
        )
        AutomodListener(
            memory=self._memory,
            desk=cast("Any", None),
            floods=cast("Any", None),
            log_channels=cast("Any", None),
        ).register(self._listeners)

        def on_update(event: RawEvent) -> None:
            if event.decode(_Named).name == "over":
                over()

        self._listeners.always("GUILD_UPDATE", on_update)

    async def _admit(self, _bot: BotClient) -> str:
        return self._gateway

    async def connect(self, count: int) -> list[Any]:
        """Lanes, clients and tasks, to be kept."""
        kept: list[Any] = []
        for _ in range(count):
            bot_id, online = new_id(), asyncio.Event()
            self._memory._bots[bot_id] = _settings(self._memory, bot_id) if self._rules else {}

            def active_in(guild_id: int, bot_id: UUID = bot_id) -> frozenset[str]:
                return self._memory.of(bot_id, guild_id).active

            def report(_bot: BotClient, outcome: Any, online: asyncio.Event = online) -> None:
                if isinstance(outcome, Online):
                    online.set()

            lane = self._queue.lane(bot_id)
            bot = BotClient(
                bot_id=bot_id,
                transport=self._transport,
                heartbeats=self._heartbeats,
                router=Router(self._listeners, Interest(self._listeners), lane, active_in=active_in),
                admit=self._admit,
                report=report,
                needs=_NEEDS,
            )
            kept += [lane, bot, asyncio.create_task(bot.run_until_stopped("token"))]
            await online.wait()
        return kept


def _settings(memory: SettingsMemory, bot_id: UUID) -> dict[int, Any]:
    row = ModuleConfig(
        installation_id=new_id(),
        module=MODULE,
        bot_id=bot_id,
        guild_id=GUILD_ID,
        revision=1,
        config=SIX_RULES,
    )
    return {GUILD_ID: memory._build({MODULE: row})}


def _judged(kept: list[Any]) -> int:
    """Events that went through the lanes, since the start. A dropped or failed one spoils the measure."""
    statuses = [lane.status() for lane in kept if isinstance(lane, Lane)]
    if any(status.dropped or status.failed for status in statuses):
        raise RuntimeError("events were dropped or failed")
    return sum(status.handled for status in statuses)


def resident_kb() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def _trust_anything() -> None:
    """The feeder's certificate is its own; what TLS costs is the same."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    make = aiohttp.TCPConnector.__init__

    def trusting(self: aiohttp.TCPConnector, **options: Any) -> None:
        make(self, ssl=context, **options)

    aiohttp.TCPConnector.__init__ = trusting


async def main(variant: str, port: int, count: int, tls: str) -> None:
    if tls:
        _trust_anything()
    url = f"http{tls}://127.0.0.1:{port}/api/v10"
    gateway = f"ws{tls}://127.0.0.1:{port}/"
    finished = asyncio.Event()
    kept: list[Any] = []

    async def connect(more: int) -> None:
        if variant == "floor":
            kept.extend(await connect_floor(url, gateway, more, finished.set))
        else:
            kept.extend(await ours.connect(more))

    ours = Ours(url, gateway, finished.set, rules=variant == "rules")
    await connect(1)
    # What the first bot brings along (modules, pools, tables) is the engine's price, not the bot's.
    resident, threads = resident_kb(), threading.active_count()
    await connect(count - 1)
    shown = {"residentKb": resident_kb() - resident, "threads": threading.active_count() - threads}
    print(json.dumps(shown), flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        finished.clear()
        used = time.process_time()
        print("{}", flush=True)
        await finished.wait()
        used = time.process_time() - used
        print(json.dumps({"cpu": used, "judged": _judged(kept)}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    logger.remove()
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
