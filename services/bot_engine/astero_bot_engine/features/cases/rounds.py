"""What comes round by itself for the bots held here: pending cases, bans whose time is over, lost log lines.

Each bot has its own round, so one whose calls are slow keeps no other waiting.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import discord
from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.dispatch.guard import Guard
from astero_bot_engine.dispatch.reasons import audit_reason
from astero_bot_engine.features.cases.actions import failure_of
from astero_bot_engine.features.cases.log_channel import LogChannels
from astero_bot_engine.features.cases.service import CaseDesk
from astero_bot_engine.features.cases.views import plain_embed
from astero_bot_engine.features.modules.service import SettingsMemory
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.rest import CallBarredError
from astero_bot_engine.interactions.failures import failure_text
from astero_shared.clock import utc_now
from astero_shared.db.outages import is_away
from astero_shared.db.session import reading, transaction
from astero_shared.features.cases.outstanding import (
    list_due_to_lift,
    list_pending,
    list_unlogged,
    mark_lifted,
)
from astero_shared.features.cases.tables import Case
from astero_shared.i18n import text
from astero_shared.ids import nonce_of
from astero_shared.scope import SYSTEM, BotScope

# How long a nudge waits for its bot's round; the round goes on by itself.
_PATIENCE: Final = 1.5
# Between tries to lift a ban that was refused; it is told once.
_LIFT_AGAIN: Final = 300.0
# A log line that an engine lost with its life is posted by its follower; older ones were not lost.
_LOG_GAP: Final = timedelta(minutes=10)


class CaseRounds:
    def __init__(
        self,
        db: AsyncEngine,
        *,
        guard: Guard,
        memory: SettingsMemory,
        desk: CaseDesk,
        log_channels: LogChannels,
        find_client: Callable[[UUID], BotClient | None],
    ) -> None:
        self._db = db
        self._guard = guard
        self._memory = memory
        self._desk = desk
        self._log_channels = log_channels
        self._find_client = find_client
        self._rounds: dict[UUID, asyncio.Task[None]] = {}
        self._lift_after: dict[UUID, float] = {}

    async def tend(self, bot_ids: Sequence[UUID]) -> None:
        """Start what is due for these bots and wait for it a little. Raises database errors."""
        ready = {bot_id: client for bot_id in bot_ids if (client := self._ready_client(bot_id)) is not None}
        if not ready:
            return
        async with reading(self._db) as session:
            pending = await list_pending(session, list(ready))
            due = await list_due_to_lift(session, list(ready), now=utc_now())
        started: set[asyncio.Task[None]] = set()
        for bot_id in {case.bot_id for case in (*pending, *due)}:
            mine = [case for case in pending if case.bot_id == bot_id and not self._desk.is_reserved(case)]
            over = [case for case in due if case.bot_id == bot_id and self._may_lift(case)]
            task = self._rounds[bot_id] = asyncio.create_task(self._round(ready[bot_id], mine, over))
            task.add_done_callback(lambda _, bot_id=bot_id: self._rounds.pop(bot_id, None))
            started.add(task)
        if started:
            await asyncio.wait(started, timeout=_PATIENCE)

    async def take_over(self, client: BotClient) -> None:
        """Finish what the bot's last engine had begun, and show what it could not show any more."""
        await self.tend([client.bot_id])
        async with reading(self._db) as session:
            scope = BotScope(SYSTEM, client.bot_id)
            unlogged = await list_unlogged(session, scope, settled_since=utc_now() - _LOG_GAP)
        for case in unlogged:
            self._desk.show(client, case, told=None)

    async def _round(self, client: BotClient, pending: list[Case], due: list[Case]) -> None:
        try:
            for case in pending:
                await self._carry_out(client, case)
            for case in due:
                await self._lift(client, case)
        except Exception as error:  # noqa: BLE001 - the bot's next round must come whatever this one met
            if is_away(error):
                logger.warning("cases wait for the database", bot=str(client.bot_id))
            else:
                logger.opt(exception=error).error("a round of cases failed", bot=str(client.bot_id))

    def _ready_client(self, bot_id: UUID) -> BotClient | None:
        """None for a bot that does not know its servers yet, or whose last round is not over."""
        client = self._find_client(bot_id)
        return client if client is not None and client.online and bot_id not in self._rounds else None

    def _may_lift(self, case: Case) -> bool:
        return time.monotonic() >= self._lift_after.get(case.id, 0.0)

    async def _carry_out(self, client: BotClient, case: Case) -> None:
        try:
            await self._desk.carry_out(client, case)
        except (discord.DiscordServerError, discord.ClientException, OSError) as error:
            # It stays pending and is tried again.
            logger.warning(
                "case not carried out yet",
                bot=str(case.bot_id),
                number=case.number,
                error=type(error).__name__,
            )
        except Exception as error:
            if is_away(error):
                raise
            # It would come back every round and hold up all that wait behind it.
            logger.opt(exception=error).error(
                "case not carried out", bot=str(case.bot_id), number=case.number
            )
            await self._desk.settle(client, case, "cases.internal", told=None)

    async def _lift(self, client: BotClient, case: Case) -> None:
        guild = client.get_guild(case.guild_id)
        if guild is None:
            return
        reason = audit_reason(f"#{case.number}")
        try:
            outcome = await self._guard.call(
                client,
                lambda: client.http.unban(case.target_id, case.guild_id, reason=reason),
                guild_id=case.guild_id,
                needs=discord.Permissions(ban_members=True).value,
            )
            failure = failure_of(outcome, "unban")
        except (discord.DiscordServerError, CallBarredError, OSError):
            return
        first = case.id not in self._lift_after
        if failure is None:
            self._lift_after.pop(case.id, None)
            async with transaction(self._db) as session:
                await mark_lifted(session, case.id, now=utc_now())
        else:
            # The permission may come back; until then each try is one that the guard refuses by itself.
            self._lift_after[case.id] = time.monotonic() + _LIFT_AGAIN
            if not first:
                return
        locale = self._memory.language(client.bot_id, guild)
        told = {"number": case.number, "member": f"<@{case.target_id}>"}
        body = text("cases.log.lifted", locale, **told)
        if failure is not None:
            body = text("cases.log.lift_failed", locale, failure=failure_text(failure, locale), **told)
        embed = plain_embed(text("cases.actions.unban", locale), body)
        await self._log_channels.post(client, case.guild_id, embed, nonce=nonce_of("lift", case.id))
