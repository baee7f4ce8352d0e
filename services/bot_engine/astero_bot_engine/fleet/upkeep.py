"""What follows the database while a bot runs: its servers' settings, and servers it was removed from."""

import time
from uuid import UUID

import discord
from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.fleet.roster import Roster
from astero_bot_engine.fleet.starting import BotSettings
from astero_bot_engine.fleet.timing import Timing
from astero_bot_engine.gateway.rest import CallBarredError
from astero_shared.db.session import reading
from astero_shared.errors import NotFoundError, UnavailableError
from astero_shared.features.installations.store import list_to_leave


class Upkeep:
    """Trouble of one bot at Discord is logged and tried again later; it never ends a round."""

    def __init__(self, db: AsyncEngine, roster: Roster, settings: BotSettings, timing: Timing) -> None:
        self._db = db
        self._roster = roster
        self._settings = settings
        self._recheck = timing.recheck
        self._left: dict[tuple[UUID, int], float] = {}
        self._rechecked: dict[UUID, float] = {}

    async def follow_settings(self) -> None:
        """Read what changed; ask again for intents that were missing. Raises SQLAlchemyError."""
        changed = await self._settings.refresh(list(self._roster.hosted))
        now = time.monotonic()
        for bot_id, hosted in list(self._roster.hosted.items()):
            plan = hosted.client.plan
            lacks = plan is not None and bool(plan.missing)
            due = lacks and now - self._rechecked.get(bot_id, 0.0) > self._recheck
            if bot_id in changed or due:
                self._rechecked[bot_id] = now
                await self.tell_needs(bot_id)
        self._rechecked = {
            bot_id: at for bot_id, at in self._rechecked.items() if bot_id in self._roster.hosted
        }

    async def tell_needs(self, bot_id: UUID) -> None:
        hosted = self._roster.hosted.get(bot_id)
        if hosted is None:
            return
        try:
            await hosted.client.need(self._settings.needs(bot_id))
        except (discord.DiscordException, OSError) as error:
            logger.warning("intents not checked", bot=str(bot_id), error=type(error).__name__)

    async def leave_removed(self) -> None:
        """Leave servers that the dashboard removed while the bot is still a member."""
        if not self._roster.hosted:
            return
        async with reading(self._db) as session:
            pairs = await list_to_leave(session, list(self._roster.hosted))
        now = time.monotonic()
        self._left = {pair: at for pair, at in self._left.items() if now - at < self._recheck}
        for bot_id, guild_id in pairs:
            if (bot_id, guild_id) in self._left:
                continue
            self._left[bot_id, guild_id] = now
            try:
                await self.leave(bot_id, guild_id)
            except (NotFoundError, UnavailableError) as error:
                logger.warning("server not left", bot=str(bot_id), error=error.code)

    async def leave(self, bot_id: UUID, guild_id: int) -> None:
        """Leave the server at Discord; being gone already is fine."""
        hosted = self._roster.hosted.get(bot_id)
        if hosted is None:
            raise NotFoundError("This engine does not run that bot.", code="engine.bot_not_held")
        try:
            await hosted.client.http.leave_guild(guild_id)
        except discord.NotFound:
            return
        except (discord.HTTPException, CallBarredError, OSError) as error:
            raise UnavailableError(
                "Discord could not be asked; try again in a moment.",
                code="discord.unavailable",
                retry_after=5,
            ) from error
