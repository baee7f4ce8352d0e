"""One function carries out every case, whoever opened it: automod, a moderator, the dashboard, or an engine
that died after writing down what it was about to do.

A case is first a row in state `pending`, under a fenced lease; then Discord is asked; then the row is
settled. Every step can be done again, so a crash between any two of them loses and doubles nothing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import discord
from loguru import logger
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.dispatch.deletions import DeleteQueue
from astero_bot_engine.dispatch.guard import Guard
from astero_bot_engine.dispatch.reasons import audit_reason
from astero_bot_engine.features.cases.actions import failure_of, perform
from astero_bot_engine.features.cases.askers import find_asker_obstacle
from astero_bot_engine.features.cases.log_channel import LogChannels
from astero_bot_engine.features.cases.notices import Notices
from astero_bot_engine.features.cases.views import case_embed, target_text
from astero_bot_engine.features.modules.service import SettingsMemory
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.interactions.durations import timestamp
from astero_bot_engine.interactions.failures import failure_text
from astero_shared.clock import utc_now
from astero_shared.db.outages import is_away
from astero_shared.db.session import transaction
from astero_shared.features.cases.config import CasesConfig
from astero_shared.features.cases.outstanding import note_logged, settle_case
from astero_shared.features.cases.service import open_case
from astero_shared.features.cases.store import CaseDraft, Fence, LeaseLostError
from astero_shared.features.cases.tables import Case
from astero_shared.i18n import Locale, text
from astero_shared.ids import nonce_of
from astero_shared.scope import GuildScope

# Before these the member is told, afterwards the bot may share no server with them any more.
_TOLD_FIRST: Final = frozenset({"kick", "ban"})
# A case that Discord could not be asked about for this long is given up.
_GIVE_UP_AFTER: Final = timedelta(minutes=15)
_REMEMBERED: Final = 4096
# Between tries to write a case down while the database is away or the lease is in doubt, in seconds.
_FIRST_DELAY: Final = 0.25
_LONGEST_DELAY: Final = 4.0


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
    ) -> None:
        self._db = db
        self._guard = guard
        self._memory = memory
        self._log_channels = log_channels
        self._fence_of = fence_of
        self._deletions = DeleteQueue(guard)
        self._notices = Notices(guard)
        self._running: dict[UUID, asyncio.Task[Case]] = {}
        self._finished: OrderedDict[UUID, Case] = OrderedDict()
        self._reserved: set[str] = set()
        self._showing: set[asyncio.Task[None]] = set()

    async def open(self, scope: GuildScope, draft: CaseDraft, *, exclusively: bool = False) -> Case | None:
        """Write the intent down; None when this cause opened its case before. `exclusively` keeps the rounds
        of this engine away from it: the caller hands it to `purge`.

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
        async with transaction(self._db) as session:
            fence = self._fence_of(scope.bot_id)
            return await open_case(session=session, scope=scope, draft=draft, fence=fence)

    async def open_surely(self, scope: GuildScope, draft: CaseDraft) -> Case | None:
        """As `open`, but waits for a database that is away: nobody can press the button again.

        A bot that leaves this engine cancels the wait, and the engine that resumes its session hears of the
        cause again.
        """
        delay = _FIRST_DELAY
        deadline = utc_now() + _GIVE_UP_AFTER
        while True:
            try:
                return await self.open(scope, draft)
            except (SQLAlchemyError, LeaseLostError, OSError) as error:
                passes = isinstance(error, LeaseLostError | OSError) or is_away(error)
                if not passes or utc_now() > deadline:
                    raise
                logger.warning("case not written yet", bot=str(scope.bot_id), error=type(error).__name__)
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY)

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

    async def purge(self, client: BotClient, case: Case, message_ids: Sequence[int]) -> Case:
        """Delete exactly these messages for a case opened exclusively, and settle it."""
        try:
            outcome = await self._deletions.delete_all(
                client,
                case.guild_id,
                case.channel_id or 0,
                message_ids,
                reason=audit_reason(f"#{case.number}"),
            )
            failure = failure_of(outcome, case.action)
        except (discord.DiscordServerError, discord.ClientException, OSError):
            failure = "cases.discord_unavailable"
        try:
            return await self.settle(client, case, failure, told=None)
        finally:
            self._reserved.discard(case.source_key or "")

    async def settle(self, client: BotClient, case: Case, failure: str | None, *, told: bool | None) -> Case:
        """Record the outcome and show the case. The row is the truth, so it comes first."""
        async with transaction(self._db) as session:
            await settle_case(session, case.id, failure=failure, now=utc_now())
        case.state = "done" if failure is None else "failed"
        case.failure = failure
        self._finished[case.id] = case
        if len(self._finished) > _REMEMBERED:
            self._finished.popitem(last=False)
        self.show(client, case, told=told)
        return case

    def show(self, client: BotClient, case: Case, *, told: bool | None) -> None:
        """In the log channel, which is slow when many cases come at once: nobody waits for it."""
        showing = asyncio.create_task(self._show(client, case, told=told))
        self._showing.add(showing)
        showing.add_done_callback(self._showing.discard)

    def is_reserved(self, case: Case) -> bool:
        """Whether somebody carries it out alone; see `open`."""
        return case.source_key in self._reserved

    async def drain(self, *, within: float) -> None:
        """Let what is under way finish for `within` seconds; the rest is pending for the next engine."""
        under_way = {*self._running.values(), *self._showing}
        if under_way:
            await asyncio.wait(under_way, timeout=within)

    # -- one case -----------------------------------------------------------------------------------

    async def _carry_out(self, client: BotClient, case: Case) -> Case:
        config = self._memory.of(client.bot_id, case.guild_id).config(CasesConfig)
        guild = client.get_guild(case.guild_id)
        told = None
        if guild is not None:
            refusal = await find_asker_obstacle(self._guard, client, guild, case)
            if refusal is not None:
                return await self.settle(client, case, refusal, told=None)
        if guild is not None and case.action in _TOLD_FIRST:
            told = await self._notices.tell(
                client, guild, case, config, self._memory.language(client.bot_id, guild)
            )
        try:
            failure = await perform(self._guard, client, case, self._deletions)
        except (discord.DiscordServerError, discord.ClientException, OSError):
            if utc_now() - case.created_at < _GIVE_UP_AFTER:
                raise
            failure = "cases.discord_unavailable"
        if guild is not None and failure is None and case.action not in _TOLD_FIRST:
            told = await self._notices.tell(
                client, guild, case, config, self._memory.language(client.bot_id, guild)
            )
        return await self.settle(client, case, failure, told=told)

    async def _show(self, client: BotClient, case: Case, *, told: bool | None) -> None:
        guild = client.get_guild(case.guild_id)
        if guild is None:
            return
        embed = case_embed(case, self._memory.language(client.bot_id, guild), told=told)
        message_id = await self._log_channels.post(
            client, case.guild_id, embed, nonce=nonce_of("case", case.id)
        )
        if message_id is None:
            return
        try:
            async with transaction(self._db) as session:
                await note_logged(session, case.id, message_id=message_id)
        except (SQLAlchemyError, OSError) as error:
            logger.warning("log message not noted", bot=str(case.bot_id), error=type(error).__name__)


def say_outcome(case: Case, locale: Locale) -> str:
    """What came of a settled case, in one sentence to the moderator who asked for it."""
    if case.failure is not None:
        failure = failure_text(case.failure, locale)
        return text("moderation.replies.failed", locale, number=case.number, failure=failure)
    told = {
        "number": case.number,
        "action": text(f"cases.actions.{case.action}", locale),
        "member": target_text(case),
    }
    if case.expires_at is None:
        return text("moderation.replies.done", locale, **told)
    return text("moderation.replies.done_until", locale, time=timestamp(case.expires_at), **told)
