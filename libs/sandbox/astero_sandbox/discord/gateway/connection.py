"""One socket: an ordered outbox written by one task, so that dispatching never waits for a slow reader."""

import asyncio
import contextlib
import time
from collections import deque
from typing import Final

from aiohttp import web

from astero_sandbox.discord.traffic import TrafficLog

from .protocol import REASONS, SENDS_A_MINUTE, Op, control_frame
from .transports import Transport

# A reader this far behind is cut off, as Discord does; it may resume.
_OUTBOX_LIMIT: Final = 50_000
_CLOSE_SECONDS: Final = 1.0


class Connection:
    """Knows its application once it has identified; knows nothing of sessions."""

    def __init__(
        self, socket: web.WebSocketResponse, request: web.Request, transport: Transport, log: TrafficLog
    ) -> None:
        self.socket = socket
        self.application_id: int | None = None
        self.last_beat = time.monotonic()
        self.latency = 0.0
        self.closed_by_us = False
        self._request = request
        self._transport = transport
        self._log = log
        self._outbox: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._received: deque[float] = deque()
        self._writer = asyncio.create_task(self._write())

    def send(self, frame: bytes) -> None:
        self._outbox.append(frame)
        self._empty.clear()
        if len(self._outbox) > _OUTBOX_LIMIT:
            self.cut()
        self._wake.set()

    def send_op(self, op: Op, data: object = None) -> None:
        frame = control_frame(op, data)
        self._log.gateway("out", application_id=self.application_id, op=op, body=frame)
        self.send(frame)

    async def catch_up(self, backlog: int) -> None:
        """Return at once with up to `backlog` frames waiting, otherwise when all of them are out."""
        if len(self._outbox) > backlog:
            await self._empty.wait()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._outbox:
                if self.latency:
                    await asyncio.sleep(self.latency)
                try:
                    await self._transport.send(self.socket, self._outbox.popleft())
                except ConnectionError:
                    self._empty.set()
                    return
            self._empty.set()

    def over_send_limit(self) -> bool:
        """Count one frame from the client; 120 in 60 seconds are allowed."""
        now = time.monotonic()
        self._received.append(now)
        while self._received[0] < now - 60:
            self._received.popleft()
        return len(self._received) > SENDS_A_MINUTE

    def cut(self) -> None:
        """Drop the TCP connection without a close frame, as a dying router would."""
        self.closed_by_us = True
        if (tcp := self._request.transport) is not None:
            tcp.abort()

    async def close(self, code: int) -> None:
        self.closed_by_us = True
        self._log.gateway("out", application_id=self.application_id, op=None, status=code)
        reason = REASONS.get(code, "")
        await self._drain()
        with contextlib.suppress(ConnectionError):
            await self.socket.close(code=code, message=reason.encode(), drain=False)

    async def _drain(self) -> None:
        """What was sent before the close must arrive before it (READY then close, op 9 then close)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._empty.wait()

    async def stop(self) -> None:
        self._empty.set()
        self._writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writer
