"""One bot while this engine holds it: its client, its lane, and what its owner is told."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loguru import logger

from astero_bot_engine.dispatch.interest import Interest
from astero_bot_engine.dispatch.queue import Lane
from astero_bot_engine.fleet.statuses import Status
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.outcomes import (
    Fatal,
    FinalOutcome,
    Online,
    Outcome,
    Reconnecting,
    Stopped,
    TokenInvalid,
)
from astero_shared.settings import Secret

# A connection that comes back sooner is not worth a change of status: Discord asks for one every few hours.
_PATIENCE_SECONDS: Final = 5.0
# What runs may finish for this long when a bot leaves this engine.
_SETTLE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Lease:
    """Held by this engine. `token_set_at` is of the token the bot runs with."""

    fence: int
    token_set_at: datetime | None

    @property
    def tried_token(self) -> dict[str, Any]:
        """Kept in the status, so that the same token is not tried again and another one is."""
        return {} if self.token_set_at is None else {"tokenSetAt": self.token_set_at.isoformat()}


class HostedBot:
    """`finished` is set when the client ended by itself or was stopped; `final` then says how."""

    def __init__(
        self,
        *,
        lease: Lease,
        client: BotClient,
        lane: Lane,
        interest: Interest,
        on_held: Callable[[BotClient], Coroutine[Any, Any, object]] | None,
        changed: Callable[[], None],
    ) -> None:
        self.lease = lease
        self.client = client
        self.lane = lane
        self.interest = interest
        self.final: FinalOutcome | None = None
        self._on_held = on_held
        self._changed = changed
        self._greeted = False
        self._down_since: float | None = None
        self._last_trouble: Reconnecting | None = None
        self._run: asyncio.Task[FinalOutcome] | None = None
        self._held_task: asyncio.Task[object] | None = None

    @property
    def bot_id(self) -> UUID:
        return self.client.bot_id

    def start(self, token: Secret) -> None:
        self._run = asyncio.create_task(self.client.run_until_stopped(token.reveal()))

    def hear(self, outcome: Outcome) -> None:
        """The client's reports; see gateway.outcomes."""
        if isinstance(outcome, Online):
            self._down_since = self._last_trouble = None
            if not self._greeted and self._on_held is not None:
                self._held_task = asyncio.create_task(self._greet(self._on_held))
            self._greeted = True
        elif isinstance(outcome, Reconnecting):
            self._last_trouble = outcome
            if self._down_since is None:
                self._down_since = asyncio.get_running_loop().time()
        elif isinstance(outcome, TokenInvalid | Fatal | Stopped):
            self.final = outcome
        self._changed()

    async def _greet(self, on_held: Callable[[BotClient], Coroutine[Any, Any, object]]) -> None:
        try:
            await self.client.wait_until_settled()
            await on_held(self.client)
        except Exception as error:  # noqa: BLE001 - its cause is one bot's, the engine's others go on
            logger.opt(exception=error).error("taking over a bot failed", bot=str(self.bot_id))

    def status(self) -> Status:
        """What the owner should see now."""
        if isinstance(self.final, TokenInvalid):
            return Status("token_invalid", "bots.token_invalid", self.lease.tried_token)
        if isinstance(self.final, Fatal):
            detail = {"closeCode": self.final.code, **self.lease.tried_token}
            return Status("stopped", "bots.gateway_refused", detail)
        if not self.client.online and not self._is_patient():
            trouble = self._last_trouble
            reason = "bots.reconnecting" if trouble is None else _reason_of(trouble)
            return Status("starting", reason, {} if trouble is None else {"closeCode": trouble.code})
        if self.client.online or self._greeted:
            plan = self.client.plan
            if plan is not None and plan.missing:
                detail: Mapping[str, Any] = {
                    "missingIntents": list(plan.missing),
                    "modules": list(plan.modules),
                    "portalUrl": plan.portal_url,
                }
                return Status("degraded", "bots.intents_missing", dict(detail))
            return Status("online")
        return Status("starting")

    def _is_patient(self) -> bool:
        down = self._down_since
        if down is None or not self._greeted:
            return down is None
        return asyncio.get_running_loop().time() - down < _PATIENCE_SECONDS

    async def end(self, *, keep_session: bool, patience: float = _SETTLE_SECONDS) -> None:
        """Disconnect, then finish what was received, for `patience` seconds.

        In this order nothing received goes missing: what is left undone is not counted as received, and
        the next holder, who resumes the kept session, hears of it again.
        """
        self.client.stop(keep_session=keep_session)
        if self._run is not None:
            await asyncio.gather(self._run, return_exceptions=True)
        await self.lane.drain(within=patience)
        if self._held_task is not None:
            await asyncio.wait({self._held_task}, timeout=patience)
            self._held_task.cancel()
            await asyncio.gather(self._held_task, return_exceptions=True)


def _reason_of(trouble: Reconnecting) -> str:
    return trouble.reason if trouble.reason.startswith("bots.") else "bots.reconnecting"
