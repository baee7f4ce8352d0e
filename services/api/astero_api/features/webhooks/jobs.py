"""The courier: takes what is due from the outbox and carries it, many messages at once.

It looks once a second and whenever a lane becomes free. Nothing wakes it: the engine's role may write events
and nothing else.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import httpx
from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_api.features.webhooks.sending import attempt_delivery
from astero_api.features.webhooks.service import tell_of_end
from astero_api.settings import ApiSettings
from astero_shared.clock import utc_now
from astero_shared.crypto.fields import SecretUnavailableError, unseal
from astero_shared.crypto.keyring import Keyring
from astero_shared.db.outages import is_away
from astero_shared.db.session import in_batches, transaction
from astero_shared.features.webhooks.deliveries import (
    Taken,
    forget_old,
    list_secrets,
    put_back,
    settle,
    take_due,
)
from astero_shared.features.webhooks.rules import UNSIGNED
from astero_shared.features.webhooks.tables import WebhookSecret
from astero_shared.outbound.dialing import CrowdedError
from astero_shared.outbound.ssrf import create_stranger_client

LANES: Final = 64
"""Calls at once of one worker; endpoints that fail or are slow get half of them."""
_LOOK_SECONDS: Final = 1.0
_GATHER_SECONDS: Final = 0.05
_END_SECONDS: Final = 4.0
_BATCH: Final = 1000


class Courier:
    """Any number of them work side by side. `client` is the one for strangers' URLs."""

    def __init__(
        self, database: AsyncEngine, keyring: Keyring, client: httpx.AsyncClient, *, lanes: int = LANES
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._client = client
        self._lanes = lanes
        self._under_way: dict[asyncio.Task[None], Taken] = {}
        self._look = asyncio.Event()
        self._ended = False

    async def run(self) -> None:
        """Until `end()`; what is under way then has some seconds more."""
        try:
            while not self._ended:
                self._look.clear()
                await self._start_what_is_due()
                await self._pause()
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=_END_SECONDS)
        finally:
            for task in self._under_way:
                task.cancel()

    def end(self) -> None:
        self._ended = True
        self._look.set()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._look.wait()
        except TimeoutError:
            return
        # lanes become free one by one: one look fills those of a moment
        await asyncio.sleep(_GATHER_SECONDS)

    async def _start_what_is_due(self) -> None:
        try:
            for taken, secrets in await self._take():
                task = asyncio.create_task(self._carry(taken, secrets))
                self._under_way[task] = taken
                task.add_done_callback(self._done)
        except Exception as error:
            if not is_away(error):
                raise
            logger.warning("webhooks wait for the database", error=type(error).__name__)

    async def _take(self) -> list[tuple[Taken, list[WebhookSecret]]]:
        lanes = self._lanes - len(self._under_way)
        if lanes <= 0:
            return []
        troubled = self._lanes // 2 - sum(taken.troubled for taken in self._under_way.values())
        now = utc_now()
        async with transaction(self._database) as session:
            found = await take_due(session, now=now, lanes=lanes, troubled_lanes=max(troubled, 0))
            if not found:
                return []
            secrets: defaultdict[UUID, list[WebhookSecret]] = defaultdict(list)
            for secret in await list_secrets(session, [taken.webhook_id for taken in found], now=now):
                secrets[secret.webhook_id].append(secret)
        return [(taken, secrets[taken.webhook_id]) for taken in found]

    async def _carry(self, taken: Taken, sealed: Sequence[WebhookSecret]) -> None:
        """What goes wrong here is not lost: the message is due again when its claim has run out."""
        try:
            attempt = await attempt_delivery(self._client, taken, self._open(sealed))
        except CrowdedError:
            async with transaction(self._database) as session:
                await put_back(session, taken, now=utc_now())
            return
        except SecretUnavailableError as error:
            logger.error("a webhook's secret cannot be opened", where=error.where, row=str(error.row))
            attempt = UNSIGNED
        spread = random.uniform(-1, 1)  # noqa: S311 - spreads load, guards nothing
        async with transaction(self._database) as session:
            disabled = await settle(session, taken, attempt, now=utc_now(), spread=spread)
            if disabled is not None:
                await tell_of_end(session, disabled)

    def _open(self, sealed: Sequence[WebhookSecret]) -> list[bytes]:
        return [
            unseal(
                self._keyring,
                table="webhook_secrets",
                column="ciphertext",
                row=secret.id,
                blob=secret.ciphertext,
            )
            for secret in sealed
        ]

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._look.set()
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        if is_away(error):
            logger.warning("a webhook's attempt could not be written down", error=type(error).__name__)
        else:
            logger.opt(exception=error).error("a webhook's attempt broke")


@asynccontextmanager
async def running_courier(settings: ApiSettings, database: AsyncEngine) -> AsyncGenerator[None]:
    """Beside the block and until its end; a courier that breaks ends the block."""
    async with (
        create_stranger_client(
            own=settings.own_addresses, allowance=settings.astero_ssrf_test_allow
        ) as client,
        asyncio.TaskGroup() as group,
    ):
        courier = Courier(database, settings.encryption_key, client)
        group.create_task(courier.run())
        try:
            yield
        finally:
            courier.end()


async def forget_old_deliveries(database: AsyncEngine) -> int:
    """Delete log rows of more than 30 days; answers how many."""
    now = utc_now()
    return await in_batches(database, lambda session: forget_old(session, now=now, limit=_BATCH))
