"""The log channel: every case is shown there, and every reason why something could not be done, once.

Embeds that come while a message is under way go out together, so a flood is a few messages and not a queue
of hundreds.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import discord
from loguru import logger

from astero_bot_engine.dispatch.guard import Done, Guard
from astero_bot_engine.features.cases.views import plain_embed
from astero_bot_engine.features.modules.service import SettingsMemory
from astero_bot_engine.gateway.client import BotClient
from astero_shared.features.cases.config import CasesConfig
from astero_shared.ids import new_id, nonce_of

# Discord: a message has at most ten embeds, with 6000 characters in all.
_MAX_EMBEDS: Final = 10
_MAX_CHARACTERS: Final = 6000
# Lines that wait for one channel; beyond that the oldest are left out, as the cases themselves tell all.
_MAX_WAITING: Final = 500
_NEEDS: Final = discord.Permissions(view_channel=True, send_messages=True, embed_links=True).value
# Causes remembered per engine; the oldest is said again if it ever comes back.
_MAX_CAUSES: Final = 10_000

Cause = tuple[str, int]
"""What stands in the way, and where: ("delete", channel id), ("member", user id)."""


_Entry = tuple[discord.Embed, str, asyncio.Future[int | None]]


class LogChannels:
    """One for all bots. Posting never raises: a log channel that cannot be written to is logged here."""

    def __init__(self, memory: SettingsMemory, guard: Guard) -> None:
        self._memory = memory
        self._guard = guard
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
            line = self._lines[key] = _Line(self._guard, client, guild_id, int(channel_id))
        try:
            return await line.post(embed, nonce)
        finally:
            if line.idle and self._lines.get(key) is line:
                del self._lines[key]

    async def say_once(
        self, client: BotClient, guild_id: int, cause: Cause, *, title: str, body: str, footer: str
    ) -> None:
        """Nothing until `forget` when the same cause was told before."""
        key = (client.bot_id, guild_id, cause)
        if key in self._said:
            return
        self._said[key] = None
        if len(self._said) > _MAX_CAUSES:
            self._said.popitem(last=False)
        embed = plain_embed(title, body)
        embed.set_footer(text=footer)
        await self.post(client, guild_id, embed, nonce=nonce_of("once", new_id()))

    def forget(self, bot_id: UUID, guild_id: int, cause: Cause) -> None:
        """The cause is gone; should it come back, it is news again."""
        self._said.pop((bot_id, guild_id, cause), None)


class _Line:
    def __init__(self, guard: Guard, client: BotClient, guild_id: int, channel_id: int) -> None:
        self.client = client
        self._guard = guard
        self._guild_id = guild_id
        self._channel_id = channel_id
        self._waiting: list[_Entry] = []
        self._worker: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        return not self._waiting and (self._worker is None or self._worker.done())

    async def post(self, embed: discord.Embed, nonce: str) -> int | None:
        posted: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((embed, nonce, posted))
        if len(self._waiting) > _MAX_WAITING:
            self._waiting.pop(0)[2].set_result(None)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await posted

    async def _work(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            message_id = None
            try:
                message_id = await self._send([embed for embed, _, _ in batch], _nonce_of(batch))
            except Exception as error:  # noqa: BLE001 - those who wait for the next lines must hear of them
                logger.opt(exception=error).error("log channel failed", bot=str(self.client.bot_id))
            finally:
                for _, _, posted in batch:
                    if not posted.done():
                        posted.set_result(message_id)

    def _next_batch(self) -> list[_Entry]:
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
            outcome = await self._guard.call(
                self.client,
                lambda: channel.send(
                    embeds=embeds, nonce=nonce, allowed_mentions=discord.AllowedMentions.none()
                ),
                guild_id=self._guild_id,
                channel_id=self._channel_id,
                needs=_NEEDS,
            )
        except (discord.DiscordServerError, OSError) as error:
            logger.warning("log channel not reached", bot=str(self.client.bot_id), error=type(error).__name__)
            return None
        if isinstance(outcome, Done):
            return outcome.value.id
        logger.warning(
            "log channel not written",
            bot=str(self.client.bot_id),
            channel=str(self._channel_id),
            code=outcome.code,
        )
        return None


def _nonce_of(batch: Sequence[_Entry]) -> str:
    """Of the whole batch: after a crash another batch may begin with the same case and hold more."""
    together = "".join(nonce for _, nonce, _ in batch)
    return batch[0][1] if len(batch) == 1 else hashlib.blake2b(together.encode(), digest_size=12).hexdigest()
