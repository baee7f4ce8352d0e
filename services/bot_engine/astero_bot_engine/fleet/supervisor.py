"""Makes what runs here equal to what the database wants: claims, starts, stops, reloads, hands bots over.

Guarantees: a bot acts only while its lease is certain by this process's own clock; without the database bots
stay connected and silent; one bot's failure to start stops no other; stopping hands every session over.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.dispatch.guard import Guard
from astero_bot_engine.dispatch.listeners import Listeners
from astero_bot_engine.dispatch.queue import FairQueue
from astero_bot_engine.fleet import leases
from astero_bot_engine.fleet.desired import Desired, list_desired, why_not
from astero_bot_engine.fleet.identify_budget import IdentifyBudget
from astero_bot_engine.fleet.introductions import Introductions
from astero_bot_engine.fleet.leaving import Leaving
from astero_bot_engine.fleet.loops import forever
from astero_bot_engine.fleet.reporting import Reporter
from astero_bot_engine.fleet.roster import Roster
from astero_bot_engine.fleet.starting import BotSettings, ClientHook, Workshop
from astero_bot_engine.fleet.statuses import Status, settle_unheld
from astero_bot_engine.fleet.timing import Timing
from astero_bot_engine.fleet.upkeep import Upkeep
from astero_bot_engine.gateway.allocator import keep_large_blocks_apart
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.heartbeat import HeartbeatScheduler
from astero_bot_engine.gateway.outcomes import Online, Outcome, TokenInvalid
from astero_bot_engine.gateway.rest import RestTransport
from astero_shared.crypto.keyring import Keyring
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.ids import new_id
from astero_shared.internal.contracts import EngineHealth, HostedBot
from astero_shared.settings import Secret

# Bots given to a newcomer per round, so that a restart of one engine does not move everything at once.
_SURPLUS_PER_ROUND: Final = 5


class Supervisor:
    """One per engine process. Set `settings`, and the hooks if any, before `run`."""

    settings: BotSettings

    def __init__(
        self,
        *,
        db: AsyncEngine,
        keyring: Keyring,
        listeners: Listeners,
        api_url: str,
        engine_url: str,
        shared_token: Secret | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.engine_id = new_id()
        self.guard = Guard()
        self.attach: ClientHook | None = None
        """Awaited once per client, logged in and not yet connected: make its CommandTree here."""
        self.on_held: ClientHook | None = None
        """Run when a bot comes online for the first time under a new lease."""
        self._db = db
        self._timing = timing or Timing()
        self._keyring = keyring
        self._listeners = listeners
        self._api_url = api_url
        self._engine_url = engine_url
        self._shared_token = shared_token
        self._workshop: Workshop
        self._roster = Roster(db, self.engine_id, self._timing, gone=self._forget)
        self._reporter = Reporter(db, self.engine_id, self._roster)
        # The shared bot's token is the environment's: without one, or with a refused one, it is not ours.
        self._unconfigured = [] if shared_token else [SHARED_BOT_ID]
        self._excluded: set[UUID] = set(self._unconfigured)
        self._upkeep: Upkeep
        self._one_round = asyncio.Lock()
        self._nudge = asyncio.Event()
        self._changed = asyncio.Event()
        self._begun = asyncio.Event()
        self._stop = asyncio.Event()

    # -- life ---------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until `stop`; then every bot is handed over."""
        keep_large_blocks_apart()
        transport = RestTransport(api_url=self._api_url, watch=self.guard)
        heartbeats = HeartbeatScheduler()
        self._workshop = Workshop(
            db=self._db,
            keyring=self._keyring,
            shared_token=self._shared_token,
            settings=self.settings,
            listeners=self._listeners,
            queue=FairQueue(),
            transport=transport,
            heartbeats=heartbeats,
            budget=IdentifyBudget(self._db),
            introductions=Introductions(self._db),
            attach=self.attach,
            on_held=self.on_held,
            report=self._report,
            changed=self._changed.set,
        )
        self._upkeep = Upkeep(self._db, self._roster, self.settings, self._timing)
        every = self._timing
        renewing = asyncio.create_task(forever(self._renew, every.renew, what="leases"))
        loops = [
            asyncio.create_task(forever(self._reconcile, every.reconcile, self._nudge, what="bots")),
            asyncio.create_task(forever(self._reporter.save, every.save, self._begun, what="sessions")),
            asyncio.create_task(
                forever(self._reporter.tell, every.reconcile, self._changed, what="statuses")
            ),
        ]
        try:
            await self._stop.wait()
        finally:
            for task in loops:
                task.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self._leave_the_fleet()
            # Last: bots act until they have finished what they received.
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            self._roster.stop_clock()
            heartbeats.close()
            await transport.close()

    def stop(self) -> None:
        self._stop.set()

    async def _renew(self) -> None:
        asked_at, before = time.monotonic(), list(self._roster.holding())
        async with self._db.begin() as connection:
            held = await leases.renew(
                connection, self.engine_id, url=self._engine_url, lease=self._timing.lease
            )
        self._roster.compare(held, asked_at=asked_at, before=before)

    async def _leave_the_fleet(self) -> None:
        await self._upkeep.close()
        try:
            async with self._db.begin() as connection:
                await leases.drain(connection, self.engine_id)
            self._roster.retire(dict.fromkeys(self._roster.hosted), keep_session=True)
            await self._roster.wait_for_end()
            await self._roster.settle()
            async with self._db.begin() as connection:
                await leases.forget_engine(connection, self.engine_id)
        except Exception as error:  # noqa: BLE001 - an engine that is told to end ends
            # The leases run out by themselves; the others take over a little later.
            logger.warning("bots could not be handed over", error=type(error).__name__)
            self._roster.retire(dict.fromkeys(self._roster.hosted), keep_session=True)
            await self._roster.wait_for_end()

    # -- desired and actual -------------------------------------------------------------------------

    async def _reconcile(self) -> None:
        async with self._one_round:
            await self._roster.settle()
            roster = self._roster
            async with self._db.connect() as connection:
                desired = await list_desired(connection, roster.hosted.keys())
                population = await leases.count_population(
                    connection,
                    self.engine_id,
                    silent=self._timing.silent_engine,
                    excluded=self._excluded,
                )
            self._retire_unwanted(desired)
            surplus = len(roster.hosted) - population.share
            if surplus > 0 and population.engines > 1:
                given = list(roster.hosted)[-min(surplus, _SURPLUS_PER_ROUND) :]
                roster.retire(dict.fromkeys(given), keep_session=True)
            await self._claim(population.share - len(roster.hosted))
            await self._upkeep.look()
            async with self._db.begin() as connection:
                await settle_unheld(connection, unconfigured=self._unconfigured)
        self._changed.set()

    def _retire_unwanted(self, desired: Mapping[UUID, Desired]) -> None:
        ended: dict[UUID, Status | None] = {}
        for bot_id, hosted in self._roster.hosted.items():
            wanted = desired.get(bot_id)
            if wanted is None or not wanted.running:
                ended[bot_id] = why_not(wanted)
            elif wanted.token_set_at != hosted.lease.token_set_at:
                ended[bot_id] = None  # claimed again at once, with the new token
            elif hosted.final is not None:
                ended[bot_id] = hosted.status()
                if wanted.shared and isinstance(hosted.final, TokenInvalid):
                    # Its token is this process's environment: it cannot become right.
                    self._excluded.add(bot_id)
        self._roster.retire(ended)

    async def _claim(self, most: int) -> None:
        asked_at = time.monotonic()
        # While the database was away our own leases may have run out; what is on its way out is not new.
        excluded = self._excluded | self._roster.ending.keys() | self._roster.leaving.keys()
        async with self._db.begin() as connection:
            claimed = await leases.claim(
                connection, self.engine_id, most=most, lease=self._timing.lease, excluded=excluded
            )
        if not claimed:
            return
        try:
            ready, refused = await self._workshop.build(
                claimed, acts_until=asked_at + self._timing.lease - self._timing.margin
            )
        except BaseException:
            self._roster.leaving.update(
                {bot_id: Leaving(fence, keep=True) for bot_id, fence in claimed.items()}
            )
            raise
        self._roster.leaving.update(refused)
        for hosted, token in ready:
            self._roster.add(hosted)
            hosted.start(token)
        await self._roster.settle()

    def _forget(self, bot_id: UUID) -> None:
        if bot_id not in self._roster.hosted:
            self.settings.drop_bot(bot_id)
        self._nudge.set()

    def _report(self, client: BotClient, outcome: Outcome) -> None:
        hosted = self._roster.hosted.get(client.bot_id)
        if hosted is not None and hosted.client is client:
            hosted.hear(outcome)
            if outcome == Online(resumed=False):
                self._begun.set()  # saved at once: a crash from here on costs no identify
            if hosted.final is not None:
                self._nudge.set()

    # -- what the private listener asks -------------------------------------------------------------

    def announce(self, bot_id: UUID, guild_id: int, active: Collection[str]) -> None:
        """The modules that work in this server from now on."""
        hosted = self._roster.hosted.get(bot_id)
        if hosted is not None:
            hosted.interest.set_modules(guild_id, active)

    def fence(self, bot_id: UUID) -> int | None:
        """The fencing number of the lease this engine holds, None when it holds none."""
        hosted = self._roster.find(bot_id)
        return None if hosted is None else hosted.lease.fence

    def health(self) -> EngineHealth:
        return EngineHealth(
            engine_id=self.engine_id, bots=len(self._roster.hosted), draining=self._stop.is_set()
        )

    def hosted(self) -> list[HostedBot]:
        views: list[HostedBot] = []
        for bot_id, hosted in self._roster.hosted.items():
            lane, latency = hosted.lane.status(), hosted.client.latency
            views.append(
                HostedBot(
                    bot_id=bot_id,
                    state=hosted.status().state,
                    guilds=len(hosted.client.guilds),
                    latency_ms=latency * 1000 if 0 <= latency < float("inf") else None,
                    queued=lane.waiting,
                    dropped=sum(lane.dropped.values()),
                )
            )
        return views

    def find_client(self, bot_id: UUID) -> BotClient | None:
        """None also until the bot's servers are known: what is missing before then is not missing."""
        hosted = self._roster.hosted.get(bot_id)
        return hosted.client if hosted is not None and hosted.client.settled else None

    async def reconcile(self, bot_id: UUID) -> bool:
        """Look at the database now; whether this engine holds the bot then."""
        await self._reconcile()
        if bot_id in self._roster.ending or bot_id in self._roster.leaving:
            await self._roster.wait_for_end(bot_id)
            await self._reconcile()
        return bot_id in self._roster.hosted

    async def reload(self, bot_id: UUID, guild_id: int) -> None:
        await self.settings.reload(bot_id, [guild_id])
        await self._upkeep.tell_needs(bot_id)

    async def leave(self, bot_id: UUID, guild_id: int) -> None:
        """Leave the server at Discord; being gone already is fine. Raises UnavailableError."""
        await self._upkeep.leave(bot_id, guild_id)
