"""The log channel: every case is shown there, and every reason why something could not be done, once.

Embeds that come while a message is under way go out together, so a flood is a few messages and not a queue
of hundreds.
"""

import asyncio
from collections import OrderedDict
from typing import Final
from uuid import UUID

import discord
from loguru import logger

from astero_bot_engine.features.modules.service import SettingsMemory
from astero_bot_engine.gateway.client import BotClient
from astero_shared.features.cases.config import CasesConfig
from astero_shared.ids import new_id

# Discord: a message has at most ten embeds, with 6000 characters in all.
_MAX_EMBEDS: Final = 10
_MAX_CHARACTERS: Final = 6000
# Causes remembered per engine; the oldest is said again if it ever comes back.
_MAX_CAUSES: Final = 10_000

Cause = tuple[str, int]
"""What stands in the way, and where: ("delete", channel id), ("member", user id)."""


class LogChannels:
    """One for all bots. Posting never raises: a log channel that cannot be written to is logged here."""

    def __init__(self, memory: SettingsMemory) -> None:
        self._memory = memory
        self._lines: dict[tuple[UUID, int], _Line] = {}
        self._said: OrderedDict[tuple[UUID, int, Cause], None] = OrderedDict()

    async def post(self, client: BotClient, guild_id: int, embed: discord.Embed, *, nonce: str) -> int | None:
        """The id of the message, None when the server has no log channel or it cannot be written to."""
        channel_id = self._memory.of(client.bot_id, guild_id).config(CasesConfig).log_channel
        if channel_id is None:
            return None
        key = (client.bot_id, int(channel_id))
        line = self._lines.get(key)
        if line is None or line.client is not client:
            line = self._lines[key] = _Line(client, int(channel_id))
        try:
            return await line.post(embed, nonce)
        finally:
            if line.idle and self._lines.get(key) is line:
                del self._lines[key]

    async def say_once(self, client: BotClient, guild_id: int, cause: Cause, embed: discord.Embed) -> None:
        """Nothing until `forget` when the same cause was told before."""
        key = (client.bot_id, guild_id, cause)
        if key in self._said:
            return
        self._said[key] = None
        if len(self._said) > _MAX_CAUSES:
            self._said.popitem(last=False)
        await self.post(client, guild_id, embed, nonce=f"once{new_id().int % 10**20}")

    def forget(self, bot_id: UUID, guild_id: int, cause: Cause) -> None:
        """The cause is gone; should it come back, it is news again."""
        self._said.pop((bot_id, guild_id, cause), None)


class _Line:
    def __init__(self, client: BotClient, channel_id: int) -> None:
        self.client = client
        self._channel_id = channel_id
        self._waiting: list[tuple[discord.Embed, str, asyncio.Future[int | None]]] = []
        self._worker: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        return not self._waiting and (self._worker is None or self._worker.done())

    async def post(self, embed: discord.Embed, nonce: str) -> int | None:
        posted: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((embed, nonce, posted))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await posted

    async def _work(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            message_id = None
            try:
                message_id = await self._send([embed for embed, _, _ in batch], batch[0][1])
            finally:
                for _, _, posted in batch:
                    if not posted.done():
                        posted.set_result(message_id)

    def _next_batch(self) -> list[tuple[discord.Embed, str, asyncio.Future[int | None]]]:
        size, characters = 0, 0
        for embed, _, _ in self._waiting[:_MAX_EMBEDS]:
            characters += len(embed)
            if size and characters > _MAX_CHARACTERS:
                break
            size += 1
        batch, self._waiting = self._waiting[:size], self._waiting[size:]
        return batch

    async def _send(self, embeds: list[discord.Embed], nonce: str) -> int | None:
        channel = self.client.get_partial_messageable(self._channel_id)
        try:
            # The nonce: a case told again after a crash is not shown twice within minutes.
            message = await channel.send(
                embeds=embeds, nonce=nonce, allowed_mentions=discord.AllowedMentions.none()
            )
        except (discord.HTTPException, discord.ClientException, OSError) as error:
            logger.warning(
                "log channel not written",
                bot=str(self.client.bot_id),
                channel=str(self._channel_id),
                status=getattr(error, "status", None),
                code=getattr(error, "code", None),
            )
            return None
        return message.id
