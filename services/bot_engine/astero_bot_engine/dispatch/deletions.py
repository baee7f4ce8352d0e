"""Messages of one channel are deleted together when they come faster than Discord takes single deletions.

The first goes out at once; what arrives while it is under way follows in bulk, up to 100 a call.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import discord

from astero_bot_engine.dispatch.guard import Done, Failed, Guard, Refused
from astero_bot_engine.gateway.client import BotClient
from astero_shared.clock import utc_now

Outcome = Done[Any] | Refused | Failed

# Discord: bulk delete takes 2 to 100 messages, none older than two weeks.
MAX_BULK: Final = 100
BULK_WINDOW: Final = timedelta(days=14) - timedelta(minutes=5)
_NEEDS: Final = discord.Permissions(manage_messages=True).value


class DeleteQueue:
    """One for all bots; each channel has its own line, which lives while it has something to do."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._lines: dict[tuple[UUID, int], _Line] = {}

    async def delete(
        self, client: BotClient, guild_id: int, channel_id: int, message_id: int, *, reason: str
    ) -> Outcome:
        """The guard's outcome for this message. Raises what Guard.call raises."""
        key = (client.bot_id, channel_id)
        line = self._lines.get(key)
        if line is None or line.client is not client:
            line = self._lines[key] = _Line(self._guard, client, guild_id, channel_id)
        try:
            return await line.delete(message_id, reason)
        finally:
            if line.idle and self._lines.get(key) is line:
                del self._lines[key]

    async def delete_all(
        self,
        client: BotClient,
        guild_id: int,
        channel_id: int,
        message_ids: Sequence[int],
        *,
        reason: str,
    ) -> Outcome:
        """All of these, none two weeks old, 100 a call; the first outcome that is not Done ends it."""
        outcome: Outcome = Done(None)
        for start in range(0, len(message_ids), MAX_BULK):
            ids: list[str | int] = [*message_ids[start : start + MAX_BULK]]
            outcome = await self._guard.call(
                client,
                # Bulk delete refuses a single message.
                lambda ids=ids: (
                    client.http.delete_messages(channel_id, ids, reason=reason)
                    if len(ids) > 1
                    else client.http.delete_message(channel_id, ids[0], reason=reason)
                ),
                guild_id=guild_id,
                channel_id=channel_id,
                needs=_NEEDS,
            )
            if not isinstance(outcome, Done):
                break
        return outcome


class _Line:
    def __init__(self, guard: Guard, client: BotClient, guild_id: int, channel_id: int) -> None:
        self.client = client
        self._guard = guard
        self._guild_id = guild_id
        self._channel_id = channel_id
        self._waiting: dict[int, asyncio.Future[Outcome]] = {}
        self._worker: asyncio.Task[None] | None = None
        self._reason = ""

    @property
    def idle(self) -> bool:
        return not self._waiting and (self._worker is None or self._worker.done())

    async def delete(self, message_id: int, reason: str) -> Outcome:
        answer = self._waiting.get(message_id)
        if answer is None:
            answer = self._waiting[message_id] = asyncio.get_running_loop().create_future()
        self._reason = reason
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        # Several may wait for one message: one that gives up must not cancel the others.
        return await asyncio.shield(answer)

    async def _work(self) -> None:
        while self._waiting:
            ids = list(self._waiting)[:MAX_BULK]
            batch = {message_id: self._waiting.pop(message_id) for message_id in ids}
            try:
                await self._delete_batch(batch)
            finally:
                for answer in batch.values():
                    # Only when this task itself was cancelled or broke; each then hears of it.
                    if not answer.done():
                        answer.cancel()

    async def _delete_batch(self, batch: dict[int, asyncio.Future[Outcome]]) -> None:
        horizon = utc_now() - BULK_WINDOW
        recent = [m for m in batch if discord.utils.snowflake_time(m) > horizon]
        done = await self._delete_together(recent) if len(recent) > 1 else None
        for message_id, answer in batch.items():
            if done is not None and message_id in recent:
                answer.set_result(done)
                continue
            try:
                answer.set_result(await self._delete_one(message_id))
            except (discord.DiscordServerError, OSError) as error:
                answer.set_exception(error)

    async def _delete_together(self, message_ids: list[int]) -> Done[Any] | None:
        """None when it did not work as a whole: each message then tells its own trouble."""
        ids: list[str | int] = [*message_ids]
        try:
            outcome = await self._guard.call(
                self.client,
                lambda: self.client.http.delete_messages(self._channel_id, ids, reason=self._reason),
                guild_id=self._guild_id,
                channel_id=self._channel_id,
                needs=_NEEDS,
            )
        except (discord.DiscordServerError, OSError):
            return None
        return outcome if isinstance(outcome, Done) else None

    async def _delete_one(self, message_id: int) -> Outcome:
        return await self._guard.call(
            self.client,
            lambda: self.client.http.delete_message(self._channel_id, message_id, reason=self._reason),
            guild_id=self._guild_id,
            channel_id=self._channel_id,
            needs=_NEEDS,
        )
