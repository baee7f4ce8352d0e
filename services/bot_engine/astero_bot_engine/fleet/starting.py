"""From a claimed lease to a running client: token, saved session and settings, or the reason why not."""

from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.dispatch.interest import Interest
from astero_bot_engine.dispatch.listeners import Listeners
from astero_bot_engine.dispatch.queue import FairQueue
from astero_bot_engine.dispatch.router import Router
from astero_bot_engine.fleet.desired import Desired, list_ciphertexts, list_desired, open_token
from astero_bot_engine.fleet.hosting import HostedBot, Lease
from astero_bot_engine.fleet.identify_budget import IdentifyBudget
from astero_bot_engine.fleet.introductions import Introductions
from astero_bot_engine.fleet.leaving import Leaving
from astero_bot_engine.fleet.saved_sessions import load_sessions
from astero_bot_engine.fleet.statuses import Status
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.heartbeat import HeartbeatScheduler
from astero_bot_engine.gateway.outcomes import Outcome
from astero_bot_engine.gateway.rest import RestTransport
from astero_bot_engine.gateway.session import SavedSession
from astero_shared.crypto.fields import SecretUnavailableError
from astero_shared.crypto.keyring import Keyring
from astero_shared.db.outages import is_away
from astero_shared.settings import Secret

ClientHook = Callable[[BotClient], Coroutine[Any, Any, object]]


class Active(Protocol):
    """One server's settings, as far as the fleet reads them."""

    @property
    def active(self) -> frozenset[str]: ...


class BotSettings(Protocol):
    """The servers' settings in memory. Raises SQLAlchemyError where it reads the database."""

    def of(self, bot_id: UUID, guild_id: int) -> Active: ...
    def needs(self, bot_id: UUID) -> Mapping[str, int]: ...
    async def load_bot(self, bot_id: UUID) -> None: ...
    def drop_bot(self, bot_id: UUID) -> None: ...
    async def reload(self, bot_id: UUID, guild_ids: Collection[int]) -> None: ...
    async def refresh(self, bot_ids: list[UUID]) -> set[UUID]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every bot of this engine is built from."""

    db: AsyncEngine
    keyring: Keyring
    shared_token: Secret | None
    settings: BotSettings
    listeners: Listeners
    queue: FairQueue
    transport: RestTransport
    heartbeats: HeartbeatScheduler
    budget: IdentifyBudget
    introductions: Introductions
    attach: ClientHook | None
    on_held: ClientHook | None
    report: Callable[[BotClient, Outcome], None]
    changed: Callable[[], None]

    async def build(
        self, claimed: Mapping[UUID, int], *, acts_until: float
    ) -> tuple[list[tuple[HostedBot, Secret]], dict[UUID, Leaving]]:
        """Bots ready to start with their tokens, and those that cannot, with what their owner is told.

        `claimed` maps bot to fence. Raises SQLAlchemyError when the database went away meanwhile.
        """
        async with self.db.connect() as connection:
            desired = await list_desired(connection, claimed.keys())
            ciphertexts = await list_ciphertexts(connection, claimed.keys())
            saved = await load_sessions(connection, claimed.keys())
        ready: list[tuple[HostedBot, Secret]] = []
        refused: dict[UUID, Leaving] = {}
        for bot_id, fence in claimed.items():
            wanted = desired.get(bot_id)
            if wanted is None or not wanted.running:
                refused[bot_id] = Leaving(fence, keep=True)
                continue
            token = self._token(wanted, ciphertexts.get(bot_id))
            if isinstance(token, Status):
                refused[bot_id] = Leaving(fence, token, keep=True)
                continue
            lease = Lease(fence, wanted.token_set_at)
            try:
                await self.settings.load_bot(bot_id)
                hosted = self._host(wanted, lease, saved.get(bot_id), acts_until=acts_until)
            except Exception as error:
                if is_away(error):
                    raise
                logger.opt(exception=error).error("a bot cannot be started", bot=str(bot_id))
                status = Status("stopped", "bots.internal_error", lease.tried_token)
                refused[bot_id] = Leaving(fence, status, keep=True)
                continue
            ready.append((hosted, token))
        return ready, refused

    def _token(self, wanted: Desired, ciphertext: bytes | None) -> Secret | Status:
        if wanted.shared:
            return self.shared_token or Status("stopped", "bots.not_configured")
        if ciphertext is None:
            return Status("stopped", "bots.not_configured")
        try:
            return open_token(self.keyring, wanted.bot_id, ciphertext)
        except SecretUnavailableError:
            logger.error("a bot's token cannot be opened", bot=str(wanted.bot_id))
            tried = Lease(0, wanted.token_set_at).tried_token
            return Status("stopped", "bots.secret_unavailable", tried)

    async def _attach(self, client: BotClient) -> None:
        await self.introductions.introduce(client)
        if self.attach is not None:
            await self.attach(client)

    def _host(
        self, wanted: Desired, lease: Lease, saved: SavedSession | None, *, acts_until: float
    ) -> HostedBot:
        bot_id = wanted.bot_id
        interest = Interest(self.listeners)
        lane = self.queue.lane(bot_id)
        client = BotClient(
            bot_id=bot_id,
            transport=self.transport,
            heartbeats=self.heartbeats,
            router=Router(
                self.listeners,
                interest,
                lane,
                active_in=lambda guild_id: self.settings.of(bot_id, guild_id).active,
            ),
            admit=self.budget.admit,
            report=self.report,
            attach=self._attach,
            needs=self.settings.needs(bot_id),
            # Another token in the environment may be another application's: that is asked of Discord.
            application_id=None if wanted.shared else wanted.application_id,
            saved=saved,
        )
        client.acts_until = acts_until
        return HostedBot(
            lease=lease,
            client=client,
            lane=lane,
            interest=interest,
            on_held=self.on_held,
            changed=self.changed,
        )
