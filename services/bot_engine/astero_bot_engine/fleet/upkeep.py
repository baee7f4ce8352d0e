"""What follows the database while a bot runs: its servers' settings, and servers it was removed from.

A round only decides; what must be asked of Discord is asked by one task a bot, so that a slow answer to one
keeps no other waiting.
"""

import asyncio
import time
from collections import defaultdict
from uuid import UUID

import discord
from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.fleet.roster import Roster
from astero_bot_engine.fleet.starting import BotSettings
from astero_bot_engine.fleet.timing import Timing
from astero_bot_engine.gateway.rest import CallBarredError
from astero_shared.db.session import reading, transaction
from astero_shared.errors import NotFoundError, UnavailableError
from astero_shared.features.installations.store import list_to_leave, mark_left
from astero_shared.scope import SYSTEM, GuildScope


class Upkeep:
    """Trouble of one bot at Discord is logged and tried again later; it never ends a round."""

    def __init__(self, db: AsyncEngine, roster: Roster, settings: BotSettings, timing: Timing) -> None:
        self._db = db
        self._roster = roster
        self._settings = settings
        self._recheck = timing.recheck
        self._checked: dict[UUID, float] = {}
        self._left: dict[tuple[UUID, int], float] = {}
        self._needs: set[UUID] = set()
        self._to_leave: defaultdict[UUID, list[int]] = defaultdict(list)
        self._jobs: dict[UUID, asyncio.Task[None]] = {}

    async def look(self) -> None:
        """Read what changed and set about it. Raises SQLAlchemyError."""
        hosted = self._roster.hosted
        if not hosted:
            return
        changed = await self._settings.refresh(list(hosted))
        async with reading(self._db) as session:
            to_leave = await list_to_leave(session, list(hosted))
        now = time.monotonic()
        self._checked = {bot_id: at for bot_id, at in self._checked.items() if bot_id in hosted}
        self._left = {pair: at for pair, at in self._left.items() if now - at < self._recheck}
        for bot_id, bot in hosted.items():
            plan = bot.client.plan
            lacks = plan is not None and bool(plan.missing)
            if bot_id in changed or (lacks and now - self._checked.get(bot_id, 0.0) > self._recheck):
                self._checked[bot_id] = now
                self._needs.add(bot_id)
        for pair in to_leave:
            if pair not in self._left:
                self._left[pair] = now
                self._to_leave[pair[0]].append(pair[1])
        for bot_id in (self._needs | self._to_leave.keys()) - self._jobs.keys():
            self._jobs[bot_id] = asyncio.create_task(self._serve(bot_id))

    async def _serve(self, bot_id: UUID) -> None:
        try:
            while bot_id in self._needs or bot_id in self._to_leave:
                if bot_id in self._needs:
                    self._needs.discard(bot_id)
                    await self.tell_needs(bot_id)
                for guild_id in self._to_leave.pop(bot_id, ()):
                    await self.leave(bot_id, guild_id)
        except (NotFoundError, UnavailableError) as error:
            logger.warning("server not left", bot=str(bot_id), error=error.code)
        except Exception as error:  # noqa: BLE001 - the next round tries again
            logger.opt(exception=error).error("upkeep failed", bot=str(bot_id))
        finally:
            del self._jobs[bot_id]

    async def tell_needs(self, bot_id: UUID) -> None:
        """Let the bot identify anew if its modules need it and its application allows it."""
        hosted = self._roster.hosted.get(bot_id)
        if hosted is None:
            return
        try:
            await hosted.client.need(self._settings.needs(bot_id))
        except (discord.DiscordException, OSError) as error:
            logger.warning("intents not checked", bot=str(bot_id), error=type(error).__name__)

    async def leave(self, bot_id: UUID, guild_id: int) -> None:
        """Leave the server at Discord; being gone already is fine."""
        hosted = self._roster.hosted.get(bot_id)
        if hosted is None:
            raise NotFoundError(code="engine.bot_not_held")
        try:
            await hosted.client.http.leave_guild(guild_id)
        except discord.NotFound:
            # No GUILD_DELETE will tell of it.
            async with transaction(self._db) as session:
                await mark_left(session, GuildScope(SYSTEM, bot_id, guild_id))
        except (discord.HTTPException, CallBarredError, OSError) as error:
            raise UnavailableError(code="discord.unavailable", retry_after=5) from error

    async def close(self) -> None:
        jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
