"""Messages that were written while the bot could not hear: a new session replays nothing.

A server whose rules were on meanwhile has its newest messages read and judged like any other, from the
moment the bot was last connected or the rules were last changed. A resumed session needs none of this.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import discord
import msgspec
from loguru import logger

from astero_bot_engine.dispatch.events import RawEvent
from astero_bot_engine.dispatch.guard import Done, Guard
from astero_bot_engine.dispatch.listeners import Listeners
from astero_bot_engine.features.automod.messages import Member, Message, is_written
from astero_bot_engine.features.modules.service import SettingsMemory
from astero_bot_engine.gateway.client import BotClient
from astero_shared.clock import utc_now

Judge = Callable[[BotClient, int, Message], Coroutine[Any, Any, None] | None]

# An engine that comes back later than this leaves the past alone.
_WINDOW: Final = timedelta(minutes=10)
# The connection may have been silent for a while before it was noticed.
_OVERLAP: Final = timedelta(seconds=5)
_PAGE: Final = 100
_MAX_PAGES: Final = 5
_READS: Final = discord.Permissions(view_channel=True, read_message_history=True).value


class _Place(msgspec.Struct, gc=False):
    id: str
    last_message_id: str | None = None


class _Guild(msgspec.Struct, gc=False):
    id: str
    channels: list[_Place] = []
    threads: list[_Place] = []
    unavailable: bool = False


class CatchUp:
    """`heard_at` answers when a bot was last known to be connected here, None after a start."""

    def __init__(
        self,
        *,
        module: str,
        guard: Guard,
        memory: SettingsMemory,
        judge: Judge,
        heard_at: Callable[[UUID], datetime | None],
    ) -> None:
        self._module = module
        self._guard = guard
        self._memory = memory
        self._judge = judge
        self._heard_at = heard_at
        self._waiting: defaultdict[UUID, deque[Coroutine[Any, Any, None]]] = defaultdict(deque)
        self._workers: dict[UUID, asyncio.Task[None]] = {}

    def register(self, listeners: Listeners) -> None:
        listeners.always("GUILD_CREATE", self.on_guild)

    def on_guild(self, event: RawEvent) -> None:
        """What happens now goes first, so the past has one worker a bot, beside the bot's own queue."""
        settings = self._memory.of(event.bot.bot_id, int(event.guild_id or 0))
        if self._module not in settings.active:
            return
        guild = event.decode(_Guild)
        if guild.unavailable:
            return
        since = self._since(event.bot.bot_id, settings.changed_at(self._module))
        after = discord.utils.time_snowflake(since)
        places = [
            int(place.id)
            for place in (*guild.channels, *guild.threads)
            if place.last_message_id is not None and int(place.last_message_id) > after
        ]
        if not places:
            return
        bot_id = event.bot.bot_id
        self._waiting[bot_id].append(self._read(event.bot, int(guild.id), places, after))
        worker = self._workers.get(bot_id)
        if worker is None or worker.done():
            self._workers[bot_id] = asyncio.create_task(self._work(bot_id))

    async def close(self) -> None:
        for worker in self._workers.values():
            worker.cancel()
        await asyncio.gather(*self._workers.values(), return_exceptions=True)
        for waiting in self._waiting.values():
            for work in waiting:
                work.close()

    async def _work(self, bot_id: UUID) -> None:
        waiting = self._waiting[bot_id]
        while waiting:
            try:
                await waiting.popleft()
            except (discord.DiscordServerError, OSError) as error:
                logger.warning("past messages not read", bot=str(bot_id), error=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - one server's trouble must not hold up the others
                logger.opt(exception=error).error("past messages not judged", bot=str(bot_id))
        del self._waiting[bot_id], self._workers[bot_id]

    def _since(self, bot_id: UUID, changed_at: datetime | None) -> datetime:
        now = utc_now()
        heard = self._heard_at(bot_id)
        since = now - _WINDOW if heard is None else max(heard - _OVERLAP, now - _WINDOW)
        return since if changed_at is None else max(since, changed_at)

    async def _read(self, client: BotClient, guild_id: int, places: list[int], after: int) -> None:
        for channel_id in places:
            since = after
            for _ in range(_MAX_PAGES):
                page = await self._read_page(client, guild_id, channel_id, since)
                for message in page:
                    await self._judge_one(client, guild_id, message)
                if len(page) < _PAGE:
                    break
                since = max(int(message.id) for message in page)

    async def _read_page(
        self, client: BotClient, guild_id: int, channel_id: int, after: int
    ) -> list[Message]:
        outcome = await self._guard.call(
            client,
            lambda: client.http.logs_from(channel_id, _PAGE, after=after),
            guild_id=guild_id,
            channel_id=channel_id,
            needs=_READS,
        )
        if not isinstance(outcome, Done):
            return []
        return sorted(msgspec.convert(outcome.value, list[Message]), key=lambda message: int(message.id))

    async def _judge_one(self, client: BotClient, guild_id: int, message: Message) -> None:
        if not is_written(message) or message.author is None:
            return
        work = self._judge(client, guild_id, message)
        if work is None:
            return
        work.close()
        # A message read over REST comes without its author's roles; they are asked for a hit only.
        author_id = int(message.author.id)
        outcome = await self._guard.call(client, lambda: client.http.get_member(guild_id, author_id))
        if isinstance(outcome, Done):
            message.member = msgspec.convert(outcome.value, Member)
        await _do(self._judge(client, guild_id, message))


async def _do(work: Awaitable[None] | None) -> None:
    if work is not None:
        await work
