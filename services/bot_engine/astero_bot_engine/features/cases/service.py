"""One function carries out every case, whoever opened it: automod, a moderator, the dashboard, or an engine
that died after writing down what it was about to do.

A case is first a row in state `pending`, under a fenced lease; then Discord is asked; then the row is
settled. Every step can be done again, so a crash between any two of them loses and doubles nothing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import discord
from loguru import logger
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.dispatch.guard import Guard
from astero_bot_engine.features.cases.actions import audit_reason, failure_of, perform
from astero_bot_engine.features.cases.deletions import DeleteQueue
from astero_bot_engine.features.cases.log_channel import LogChannels
from astero_bot_engine.features.cases.notices import Notices
from astero_bot_engine.features.cases.views import case_embed, failure_text, language_of, plain_embed
from astero_bot_engine.features.modules.service import SettingsMemory
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.rest import CallBarredError
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.db.session import reading, transaction
from astero_shared.features.cases.config import CasesConfig
from astero_shared.features.cases.store import (
    CaseDraft,
    Fence,
    LeaseLostError,
    list_due_to_lift,
    list_pending,
    list_related,
    mark_lifted,
    note_logged,
    open_case,
    settle_case,
)
from astero_shared.features.cases.tables import Case
from astero_shared.i18n import text
from astero_shared.scope import GuildScope

# Before these the member is told, afterwards the bot may share no server with them any more.
_TOLD_FIRST: Final = frozenset({"kick", "ban"})
# A case that Discord could not be asked about for this long is given up.
_GIVE_UP_AFTER: Final = timedelta(minutes=15)
_REMEMBERED: Final = 4096
# Waits between tries to write a case down while the database is away or the lease is in doubt, in seconds.
_OPENING_DELAYS: Final = (0.25, 0.5, 1, 2, 4, 8, 8, 8, 8, 8, 8)


class CaseDesk:
    """`fence_of` answers the lease this engine holds on a bot; raises LeaseLostError when it holds none."""

    def __init__(
        self,
        db: AsyncEngine,
        *,
        guard: Guard,
        memory: SettingsMemory,
        log_channels: LogChannels,
        fence_of: Callable[[UUID], Fence],
        find_client: Callable[[UUID], BotClient | None],
    ) -> None:
        self._db = db
        self._guard = guard
        self._memory = memory
        self._log_channels = log_channels
        self._fence_of = fence_of
        self._find_client = find_client
        self._deletions = DeleteQueue(guard)
        self._notices = Notices()
        self._running: dict[UUID, asyncio.Task[Case]] = {}
        self._finished: OrderedDict[UUID, Case] = OrderedDict()
        self._reserved: set[str] = set()
        self._showing: set[asyncio.Task[None]] = set()

    async def open(self, scope: GuildScope, draft: CaseDraft, *, exclusively: bool = False) -> Case | None:
        """Write the intent down; None when this cause opened its case before. `exclusively` keeps the rounds
        of this engine away from it until `release`: the caller carries it out.

        Raises NotFoundError when the bot was removed from the server, LeaseLostError, database errors.
        """
        if exclusively and draft.source_key is not None:
            self._reserved.add(draft.source_key)
        case = None
        try:
            case = await self._write(scope, draft)
        finally:
            if case is None:
                self._reserved.discard(draft.source_key or "")
        return case

    async def _write(self, scope: GuildScope, draft: CaseDraft) -> Case | None:
        now = utc_now()
        if draft.duration_seconds is not None and draft.expires_at is None:
            draft = replace(draft, expires_at=now + timedelta(seconds=draft.duration_seconds))
        async with transaction(self._db) as session:
            if not draft.related:
                related = await list_related(session, scope, target_id=draft.target_id)
                draft = replace(draft, related=tuple(related))
            case = await open_case(session, scope, draft=draft, now=now, fence=self._fence_of(scope.bot_id))
            if case is None:
                return None
            await write_audit(
                session,
                actor=scope.actor,
                action=AuditAction.CASE_OPENED,
                bot_id=scope.bot_id,
                guild_id=scope.guild_id,
                target=str(draft.target_id),
                details={"number": case.number, "action": case.action, "source": case.source},
            )
        return case

    def release(self, case: Case) -> None:
        self._reserved.discard(case.source_key or "")

    async def open_surely(self, scope: GuildScope, draft: CaseDraft) -> Case | None:
        """As `open`, but waits for a database that is away: nobody can press the button again."""
        for delay in _OPENING_DELAYS:
            try:
                return await self.open(scope, draft)
            except (DBAPIError, PoolTimeoutError, LeaseLostError, OSError) as error:
                logger.warning("case not written yet", bot=str(scope.bot_id), error=type(error).__name__)
                await asyncio.sleep(delay)
        return await self.open(scope, draft)

    async def carry_out(self, client: BotClient, case: Case) -> Case:
        """Do it, settle it, show it. Once at a time, and not again after it was settled here."""
        finished = self._finished.get(case.id)
        if finished is not None:
            return finished
        task = self._running.get(case.id)
        if task is None:
            task = self._running[case.id] = asyncio.create_task(self._carry_out(client, case))
            task.add_done_callback(lambda _: self._running.pop(case.id, None))
        return await asyncio.shield(task)

    async def settle(self, client: BotClient, case: Case, failure: str | None, *, told: bool | None) -> Case:
        """Record the outcome and show the case. The row is the truth, so it comes first."""
        async with transaction(self._db) as session:
            await settle_case(session, case.id, failure=failure, now=utc_now())
        case.state = "done" if failure is None else "failed"
        case.failure = failure
        self._finished[case.id] = case
        if len(self._finished) > _REMEMBERED:
            self._finished.popitem(last=False)
        # The log channel is slow when many cases come at once; nobody waits for it.
        showing = asyncio.create_task(self._show(client, case, told=told))
        self._showing.add(showing)
        showing.add_done_callback(self._showing.discard)
        return case

    async def drain(self, *, within: float) -> None:
        """Let what is under way finish for `within` seconds; the rest is pending for the next engine."""
        under_way = {*self._running.values(), *self._showing}
        if under_way:
            await asyncio.wait(under_way, timeout=within)

    async def tend(self, bot_ids: Sequence[UUID]) -> None:
        """Carry out what is pending for these bots and lift the bans whose time is over."""
        async with reading(self._db) as session:
            pending = await list_pending(session, bot_ids, opened_before=utc_now())
            due = await list_due_to_lift(session, bot_ids, now=utc_now())
        for case in pending:
            if case.source_key not in self._reserved and (client := self._ready_client(case)) is not None:
                await self._carry_out_logged(client, case)
        for case in due:
            if (client := self._ready_client(case)) is not None:
                await self._lift(client, case)

    # -- one case -----------------------------------------------------------------------------------

    async def _carry_out(self, client: BotClient, case: Case) -> Case:
        config = self._memory.of(client.bot_id, case.guild_id).config(CasesConfig)
        guild = client.get_guild(case.guild_id)
        told = None
        if guild is not None and case.action in _TOLD_FIRST:
            told = await self._notices.tell(client, guild, case, config, language_of(config, guild))
        try:
            failure = await perform(self._guard, client, case, self._deletions)
        except (discord.DiscordServerError, discord.ClientException, OSError):
            if utc_now() - case.created_at < _GIVE_UP_AFTER:
                raise
            failure = "cases.discord_unavailable"
        if guild is not None and failure is None and case.action not in _TOLD_FIRST:
            told = await self._notices.tell(client, guild, case, config, language_of(config, guild))
        return await self.settle(client, case, failure, told=told)

    async def _carry_out_logged(self, client: BotClient, case: Case) -> None:
        try:
            await self.carry_out(client, case)
        except (discord.DiscordServerError, discord.ClientException, OSError) as error:
            # It stays pending and is tried again.
            logger.warning(
                "case not carried out yet",
                bot=str(case.bot_id),
                number=case.number,
                error=type(error).__name__,
            )
        except (DBAPIError, PoolTimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - it would come back every round and hold up all others
            logger.opt(exception=error).error(
                "case not carried out", bot=str(case.bot_id), number=case.number
            )
            await self.settle(client, case, "cases.internal", told=None)

    async def _show(self, client: BotClient, case: Case, *, told: bool | None) -> None:
        guild = client.get_guild(case.guild_id)
        if guild is None:
            return
        config = self._memory.of(client.bot_id, case.guild_id).config(CasesConfig)
        embed = case_embed(case, language_of(config, guild), told=told)
        message_id = await self._log_channels.post(
            client, case.guild_id, embed, nonce=f"case{case.id.int % 10**20}"
        )
        if message_id is not None:
            async with transaction(self._db) as session:
                await note_logged(session, case.id, message_id=message_id)

    async def _lift(self, client: BotClient, case: Case) -> None:
        guild = client.get_guild(case.guild_id)
        if guild is None:
            return
        config = self._memory.of(client.bot_id, case.guild_id).config(CasesConfig)
        locale = language_of(config, guild)
        try:
            outcome = await self._guard.call(
                client,
                lambda: client.http.unban(
                    case.target_id, case.guild_id, reason=audit_reason(f"#{case.number}")
                ),
                guild_id=case.guild_id,
                needs=discord.Permissions(ban_members=True).value,
            )
            failure = failure_of(outcome, "unban")
        except (discord.DiscordServerError, CallBarredError, OSError):
            return
        # Also when refused: asking again every few seconds would only burn the shared budget of refusals.
        async with transaction(self._db) as session:
            await mark_lifted(session, case.id, now=utc_now())
        member = f"<@{case.target_id}>"
        if failure is None:
            body = text("cases.log.lifted", locale, number=case.number, member=member)
        else:
            body = text(
                "cases.log.lift_failed",
                locale,
                number=case.number,
                member=member,
                failure=failure_text(failure, locale),
            )
        embed = plain_embed(text("cases.actions.unban", locale), body)
        await self._log_channels.post(client, case.guild_id, embed, nonce=f"lift{case.id.int % 10**20}")

    def _ready_client(self, case: Case) -> BotClient | None:
        """Before READY the bot knows no roles and no channels: the case waits a moment longer."""
        client = self._find_client(case.bot_id)
        return client if client is not None and client.online else None
