"""Messages of one channel are deleted together when they come faster than Discord takes single deletions.

The first goes out at once; what arrives while it is under way follows in bulk, up to 100 a call. A message
that is gone already counts as deleted.
"""

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

import discord

from astero_bot_engine.gateway.client import BotClient
from astero_shared.clock import utc_now

# Discord: bulk delete takes 2 to 100 messages, none older than two weeks.
MAX_BULK: Final = 100
BULK_WINDOW: Final = timedelta(days=14) - timedelta(minutes=5)
_UNKNOWN_MESSAGE: Final = 10008


class DeleteQueue:
    """One for all bots; each channel has its own line, which lives while it has something to do."""

    def __init__(self) -> None:
        self._lines: dict[tuple[UUID, int], _Line] = {}

    async def delete(self, client: BotClient, channel_id: int, message_id: int, *, reason: str) -> None:
        """Returns when the message is gone. Raises discord.HTTPException when Discord refuses."""
        key = (client.bot_id, channel_id)
        line = self._lines.get(key)
        if line is None or line.client is not client:
            line = self._lines[key] = _Line(client, channel_id)
        try:
            await line.delete(message_id, reason)
        finally:
            if line.idle and self._lines.get(key) is line:
                del self._lines[key]


class _Line:
    def __init__(self, client: BotClient, channel_id: int) -> None:
        self.client = client
        self._channel_id = channel_id
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._worker: asyncio.Task[None] | None = None
        self._reason = ""

    @property
    def idle(self) -> bool:
        return not self._waiting and (self._worker is None or self._worker.done())

    async def delete(self, message_id: int, reason: str) -> None:
        gone = self._waiting.get(message_id)
        if gone is None:
            gone = self._waiting[message_id] = asyncio.get_running_loop().create_future()
        self._reason = reason
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        # Several may wait for one message: one that gives up must not cancel the others.
        await asyncio.shield(gone)

    async def _work(self) -> None:
        while self._waiting:
            ids = list(self._waiting)[:MAX_BULK]
            batch = {message_id: self._waiting.pop(message_id) for message_id in ids}
            try:
                await self._delete_batch(batch)
            finally:
                for gone in batch.values():
                    # Only when this task itself was cancelled or broke; each then hears of it.
                    if not gone.done():
                        gone.cancel()

    async def _delete_batch(self, batch: dict[int, asyncio.Future[None]]) -> None:
        horizon = utc_now() - BULK_WINDOW
        recent = [m for m in batch if discord.utils.snowflake_time(m) > horizon]
        if len(recent) > 1 and await self._delete_together(recent):
            for message_id in recent:
                batch[message_id].set_result(None)
        for message_id, gone in batch.items():
            if gone.done():
                continue
            try:
                await self.client.http.delete_message(self._channel_id, message_id, reason=self._reason)
            except discord.HTTPException as error:
                if error.code != _UNKNOWN_MESSAGE:
                    gone.set_exception(error)
                    continue
            except (OSError, discord.ClientException) as error:
                gone.set_exception(error)
                continue
            gone.set_result(None)

    async def _delete_together(self, message_ids: list[int]) -> bool:
        """False when it did not work as a whole: each message then tells its own trouble."""
        ids: list[str | int] = [*message_ids]
        try:
            await self.client.http.delete_messages(self._channel_id, ids, reason=self._reason)
        except (discord.HTTPException, discord.ClientException, OSError):
            return False
        return True
