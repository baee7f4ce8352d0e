"""What comes round by itself: pending cases and bans whose time is over; the same when the api nudges."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from loguru import logger

from astero_bot_engine.features.cases.rounds import CaseRounds
from astero_bot_engine.fleet.loops import DatabaseLine
from astero_bot_engine.fleet.supervisor import Supervisor
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.intents import needed
from astero_shared.clock import utc_now
from astero_shared.db.outages import is_away
from astero_shared.internal.contracts import EngineHealth, HostedBot

EVERY_SECONDS: Final = 2.0
# The api waits three seconds for an answer to its nudge.
NUDGE_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.05
# After a new session the time of the last one still counts while the servers arrive.
_SETTLING: Final = timedelta(seconds=15)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Chores:
    """Implements internal.routes.Fleet: a nudge about a bot also carries out what waits for it."""

    def __init__(self, fleet: Supervisor, rounds: CaseRounds) -> None:
        self._fleet = fleet
        self._rounds = rounds
        self._heard: dict[UUID, datetime] = {}
        self._silent: dict[UUID, datetime] = {}
        self._database = DatabaseLine("cases")

    async def run(self) -> None:
        """For ever, for the bots held here."""
        while True:
            await self._tend(self._listen())
            await asyncio.sleep(EVERY_SECONDS)

    async def took_over(self, client: BotClient) -> None:
        """A bot came online under a new lease: finish first what its last engine had begun."""
        await self._rounds.take_over(client)

    def health(self) -> EngineHealth:
        return self._fleet.health()

    def hosted(self) -> list[HostedBot]:
        return self._fleet.hosted()

    def find_client(self, bot_id: UUID) -> BotClient | None:
        return self._fleet.find_client(bot_id)

    async def reconcile(self, bot_id: UUID) -> bool:
        held = await self._fleet.reconcile(bot_id)
        if held:
            await self._tend([bot_id])
        return held

    async def reload(self, bot_id: UUID, guild_id: int, *, within: float = NUDGE_SECONDS) -> None:
        """Use the new settings, and wait until they work: an intent more means a new identify, during which
        Discord sends the bot nothing. Who is told "it is on" may rely on it for the next message.
        """
        await self._fleet.reload(bot_id, guild_id)
        deadline = time.monotonic() + within
        # Polled: what it waits for is a state of two objects that send no event.
        while not self._hears_what_it_needs(bot_id) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)

    async def leave(self, bot_id: UUID, guild_id: int) -> None:
        await self._fleet.leave(bot_id, guild_id)

    def _hears_what_it_needs(self, bot_id: UUID) -> bool:
        if all(hosted.bot_id != bot_id for hosted in self._fleet.hosted()):
            return True
        client = self._fleet.find_client(bot_id)
        if client is None or client.plan is None:
            return False
        if client.plan.missing:
            return True
        return client.online and not needed(self._fleet.settings.needs(bot_id)) & ~client.plan.identify

    def heard_at(self, bot_id: UUID) -> datetime | None:
        """When this bot was last connected, as far as this process knows."""
        return self._heard.get(bot_id)

    def _listen(self) -> list[UUID]:
        """Notes which bots can hear now; answers all that are held here."""
        now = utc_now()
        held = {hosted.bot_id for hosted in self._fleet.hosted()}
        for bot_id in held:
            client = self._fleet.find_client(bot_id)
            if client is None or not client.online:
                self._silent[bot_id] = now
            elif now - self._silent.get(bot_id, _LONG_AGO) > _SETTLING:
                self._heard[bot_id] = now
        for forgotten in (self._heard.keys() | self._silent.keys()) - held:
            self._heard.pop(forgotten, None)
            self._silent.pop(forgotten, None)
        return list(held)

    async def _tend(self, bot_ids: Sequence[UUID]) -> None:
        if not bot_ids:
            return
        try:
            await self._rounds.tend(bot_ids)
            self._database.answered()
        except Exception as error:  # noqa: BLE001 - the next round must come whatever this one met
            if is_away(error):
                self._database.failed(error)
            else:
                logger.opt(exception=error).error("a round of chores failed")
