"""Keeps the database's view of each server in step with Discord's: joined, changed, left, gone while away.

The events of one bot are recorded one after the other, because a removal and a return that overtake each
other would leave the wrong one standing. An outage (`unavailable`) never reaches this file.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.features.modules.service import SettingsMemory
from astero_bot_engine.gateway.client import BotClient
from astero_shared.clock import utc_now
from astero_shared.db.outages import is_away
from astero_shared.db.session import reading, transaction
from astero_shared.features.installations.service import join_guild, remove_guild, restore_guild
from astero_shared.features.installations.store import (
    GuildFacts,
    Join,
    list_installations,
    list_to_leave,
    mark_left,
)
from astero_shared.features.installations.tables import Installation
from astero_shared.scope import SYSTEM, BotScope, GuildScope

Work = Coroutine[Any, Any, None]
Offer = Callable[[BotClient, Join], Awaitable[None]]
"""Tells a server whose bot came back that its settings can come back too."""

_RETRY_SECONDS: Final = 2.0
# Discord: a bot on one shard is in fewer than 2500 servers.
_MAX_GUILDS: Final = 10_000


@dataclass(slots=True)
class _Bot:
    """`known` is what the database has of the servers the bot is in; `jobs` run one after the other."""

    jobs: deque[Callable[[], Awaitable[None]]] = field(default_factory=deque[Callable[[], Awaitable[None]]])
    working: bool = False
    known: dict[int, GuildFacts] = field(default_factory=dict[int, GuildFacts])


class InstallationKeeper:
    def __init__(self, db: AsyncEngine, *, memory: SettingsMemory, offer: Offer) -> None:
        self._db = db
        self._memory = memory
        self._offer = offer
        # By client and not by bot: one that was elsewhere meanwhile comes back as another client, and what
        # was known of its servers then is worth nothing.
        self._bots: WeakKeyDictionary[BotClient, _Bot] = WeakKeyDictionary()

    # -- what the gateway says; each answers the work to do, None when somebody does it already ----------

    def ready(self, client: BotClient, guild_ids: frozenset[int]) -> Work | None:
        """The servers the bot is in now. Those it was in before and is not any more were left meanwhile."""
        return self._enqueue(client, lambda: self._compare(client, guild_ids))

    def seen(self, client: BotClient, facts: GuildFacts) -> Work | None:
        bot = self._of(client)
        # While anything waits, what is known now may not be what is known when its turn comes.
        if not bot.jobs and bot.known.get(facts.guild_id) == facts:
            return None
        return self._enqueue(client, lambda: self._record(client, facts))

    def changed(self, client: BotClient, facts: GuildFacts) -> Work | None:
        """A GUILD_UPDATE: no member count in it, so the one we know stays."""
        return self._enqueue(client, lambda: self._update(client, facts))

    def gone(self, client: BotClient, guild_id: int) -> Work | None:
        return self._enqueue(client, lambda: self._remove(client, guild_id))

    # -- what people ask -------------------------------------------------------------------------------

    async def restore(self, scope: GuildScope) -> Installation:
        """Bring the server back. Raises GoneError past the deadline, NotFoundError when there is nothing."""
        async with transaction(self._db) as session:
            restored = await restore_guild(session=session, scope=scope)
        await self._memory.reload(scope.bot_id, [scope.guild_id])
        return restored

    # -- the work ----------------------------------------------------------------------------------------

    def _of(self, client: BotClient) -> _Bot:
        return self._bots.setdefault(client, _Bot())

    def _enqueue(self, client: BotClient, job: Callable[[], Awaitable[None]]) -> Work | None:
        bot = self._of(client)
        bot.jobs.append(job)
        if bot.working:
            return None
        bot.working = True
        return self._work(client.bot_id, bot)

    async def _work(self, bot_id: UUID, bot: _Bot) -> None:
        jobs = bot.jobs
        try:
            while jobs:
                try:
                    await jobs[0]()
                except Exception as error:  # noqa: BLE001 - one server's trouble must not hold up the others
                    if is_away(error):
                        logger.warning("installation not recorded yet", bot=str(bot_id))
                        await asyncio.sleep(_RETRY_SECONDS)
                        continue
                    logger.opt(exception=error).error("installation not recorded", bot=str(bot_id))
                jobs.popleft()
        finally:
            bot.working = False

    async def _compare(self, client: BotClient, guild_ids: frozenset[int]) -> None:
        scope = BotScope(SYSTEM, client.bot_id)
        async with reading(self._db) as session:
            active = await list_installations(
                session, scope, state="active", now=utc_now(), limit=_MAX_GUILDS
            )
            due = await list_to_leave(session, [client.bot_id])
        self._of(client).known = {row.guild_id: _facts_of(row) for row in active if row.present}
        for row in active:
            if row.present and row.guild_id not in guild_ids:
                await self._remove(client, row.guild_id)
        for bot_id, guild_id in due:
            # Removed in the dashboard, and gone before the engine could leave.
            if guild_id not in guild_ids:
                async with transaction(self._db) as session:
                    await mark_left(session, GuildScope(SYSTEM, bot_id, guild_id))

    async def _update(self, client: BotClient, facts: GuildFacts) -> None:
        before = self._of(client).known.get(facts.guild_id)
        if before is not None:
            facts = replace(facts, member_count=before.member_count)
        await self._record(client, facts)

    async def _record(self, client: BotClient, facts: GuildFacts) -> None:
        known = self._of(client).known
        if known.get(facts.guild_id) == facts:
            return
        scope = GuildScope(SYSTEM, client.bot_id, facts.guild_id)
        async with transaction(self._db) as session:
            join = await join_guild(session=session, scope=scope, facts=facts)
        known[facts.guild_id] = facts
        await self._memory.reload(client.bot_id, [facts.guild_id])
        if join.restorable is not None:
            await self._offer(client, join)

    async def _remove(self, client: BotClient, guild_id: int) -> None:
        scope = GuildScope(SYSTEM, client.bot_id, guild_id)
        async with transaction(self._db) as session:
            await remove_guild(session=session, scope=scope, by="discord")
            await mark_left(session, scope)
        self._of(client).known.pop(guild_id, None)
        await self._memory.reload(client.bot_id, [guild_id])


def _facts_of(row: Installation) -> GuildFacts:
    return GuildFacts(
        guild_id=row.guild_id,
        name=row.guild_name,
        icon=row.guild_icon,
        owner_id=row.guild_owner_id,
        locale=row.guild_locale,
        member_count=row.member_count,
    )
