"""Makes error reports in a thread of its own and carries them to Sentry, one after the other.

To make one takes milliseconds, which the event loop is spared. Sentry being slow, full or gone costs reports,
never a request: they are not even made, and counted.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Final, Self

import httpx
from loguru import logger
from sentry_sdk.consts import VERSION, EndpointType
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from sentry_sdk.utils import Dsn

from astero_shared.outbound.http import create_client

_WAITING: Final = 100
_MAX_BYTES: Final = 256 * 1024
_TOTAL_SECONDS: Final = 5.0
_FAREWELL_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 60
"""After a refusal that names no Retry-After, and while Sentry cannot be reached."""


class Courier(Transport):
    """Handed to the SDK in place of its own HTTP stack."""

    def __init__(self, dsn: str) -> None:
        super().__init__({"dsn": dsn})
        auth = Dsn(dsn).to_auth(f"sentry.python/{VERSION}")
        self._url = auth.get_api_url(EndpointType.ENVELOPE)
        self._headers = {
            "X-Sentry-Auth": auth.to_header(),
            "Content-Type": "application/x-sentry-envelope",
        }
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        self._paused_until = 0.0
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="error-reports")
        self._lock = threading.Lock()
        self._being_made = 0
        self.dropped = 0

    @classmethod
    @asynccontextmanager
    async def running(cls, dsn: str) -> AsyncGenerator[Self]:
        """Leaving the block waits up to two seconds for what is still to be sent."""
        courier = cls(dsn)
        client = create_client(allowed=[courier._url], total_seconds=_TOTAL_SECONDS, max_connections=1)
        async with client:
            carrying = asyncio.create_task(courier._carry(client))
            try:
                yield courier
            finally:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_FAREWELL_SECONDS):
                        await asyncio.to_thread(courier._maker.shutdown)
                        await asyncio.sleep(0)  # what was made last is accepted in the loop's next turn
                        await courier._queue.join()
                courier._maker.shutdown(wait=False, cancel_futures=True)
                carrying.cancel()
                with suppress(asyncio.CancelledError):
                    await carrying

    def make(self, report: Callable[[], object]) -> None:
        """`report` captures one event; it is called in the thread, or left out where it could not be sent."""
        with self._lock:
            waiting = self._being_made + self._queue.qsize()
            if waiting >= _WAITING or time.monotonic() < self._paused_until:
                self.dropped += 1
                return
            self._being_made += 1
        with suppress(RuntimeError):  # it has ended
            self._maker.submit(self._make, report)

    def _make(self, report: Callable[[], object]) -> None:
        dropped = 0
        try:
            report()
        except Exception:  # noqa: BLE001 - nothing is told of it: that would be the next report
            dropped = 1
        with suppress(RuntimeError):
            # behind what was captured: it is counted as waiting all the time
            self._loop.call_soon_threadsafe(self._made, dropped)

    def _made(self, dropped: int) -> None:
        with self._lock:
            self._being_made -= 1
            self.dropped += dropped

    def capture_envelope(self, envelope: Envelope) -> None:
        """From any thread; never waits."""
        body = envelope.serialize()
        with suppress(RuntimeError):  # the loop has ended: nobody is left to send it
            self._loop.call_soon_threadsafe(self._accept, body)

    def _accept(self, body: bytes) -> None:
        if len(body) > _MAX_BYTES or self._queue.full() or time.monotonic() < self._paused_until:
            self.dropped += 1
            return
        self._queue.put_nowait(body)

    async def _carry(self, client: httpx.AsyncClient) -> None:
        while True:
            body = await self._queue.get()
            try:
                await self._send(client, body)
            finally:
                self._queue.task_done()

    async def _send(self, client: httpx.AsyncClient, body: bytes) -> None:
        if time.monotonic() < self._paused_until:
            self.dropped += 1
            return
        try:
            answer = await client.post(self._url, content=body, headers=self._headers)
        except httpx.HTTPError as error:
            self._pause(_PAUSE_SECONDS, type(error).__name__)
            return
        if not answer.is_success:
            wait = answer.headers.get("retry-after", "")
            known = wait.isascii() and wait.isdecimal()
            self._pause(min(int(wait), 3600) if known else _PAUSE_SECONDS, str(answer.status_code))

    def _pause(self, seconds: float, why: str) -> None:
        # a warning, not an error: an error would be reported and come back here
        self.dropped += 1
        self._paused_until = time.monotonic() + seconds
        logger.warning("error reports are not taken", why=why, pauseSeconds=seconds, dropped=self.dropped)
