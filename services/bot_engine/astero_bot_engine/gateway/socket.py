"""One gateway connection: discord.py's DiscordWebSocket with our own reading, and no thread.

Guarantees: an event's failure is reported to the sink and never ends the connection; a flood of buffered
frames gives the loop back every few tens of kilobytes, so that one bot cannot starve the others.
"""

import asyncio
import sys
import zlib
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

import aiohttp
import msgspec
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient
from loguru import logger

from astero_bot_engine.gateway import frames
from astero_bot_engine.gateway.heartbeat import HeartbeatScheduler, Pulse
from astero_shared.observability.masking import Masked

# aiohttp's receive() returns without yielding while frames are buffered, so the reader yields by itself
# after this many bytes; a frame counts at least _FRAME_COST. 32 KiB are about 0.3 ms of message events.
_SLICE: Final = 32 * 1024
_FRAME_COST: Final = 512
# Above this many members Discord leaves offline members out of GUILD_CREATE; we keep none of them anyway.
_LARGE_THRESHOLD: Final = 50

_DATA: Final = frozenset({aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT})
# Close codes after which Discord wants a new session (opcodes-and-status-codes: 4007, 4009).
_NEW_SESSION: Final = frozenset({4007, 4009})
KEEPS_SESSION: Final = 4000
ENDS_SESSION: Final = 1000


@dataclass(frozen=True, slots=True)
class SocketEnd:
    """Why a connection ended. `code` is the close code, None when the line was simply cut."""

    code: int | None
    resumable: bool
    reason: str


class Sink(Protocol):
    """Takes the dispatch events of one connection, in order."""

    def on_event(self, name: str, payload: msgspec.Raw, sequence: int) -> None: ...
    def on_event_failed(self, name: str, error: Exception) -> None: ...
    def is_behind(self) -> bool:
        """Whether more should be read only after what was read has been worked off."""
        ...


class _Hello(msgspec.Struct):
    heartbeat_interval: float


class _Ready(Masked, frozen=True):
    session_id: str
    resume_gateway_url: str


class GatewaySocket(DiscordWebSocket):
    """Sending, presence and member requests are discord.py's; reading, beating and closing are ours."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(socket, loop=loop)
        self._decompressor: Any = None  # discord.py's context would cost another 7 KiB
        self._inflater = frames.Inflater()
        self._pulse: Pulse | None = None
        self._sink: Sink
        self._heartbeats: HeartbeatScheduler

    @classmethod
    async def dial(
        cls, http: HTTPClient, state: Any, *, url: str, sink: Sink, heartbeats: HeartbeatScheduler
    ) -> Self:
        """Connect and wait for HELLO. Raises OSError, aiohttp.ClientError or TimeoutError."""
        gateway = yarl.URL(url)
        address = gateway.with_query(v=frames.API_VERSION, encoding="json", compress="zlib-stream")
        ws = cls(await http.ws_connect(str(address)), loop=asyncio.get_running_loop())
        ws.token = http.token
        ws.gateway = gateway
        ws.shard_id = None
        ws.shard_count = None
        ws._connection = state
        ws._max_heartbeat_timeout = 60.0
        ws._sink = sink
        ws._heartbeats = heartbeats
        state._update_references(ws)
        try:
            await ws._greet()
        except BaseException:
            await ws.close(KEEPS_SESSION)
            raise
        return ws

    async def _greet(self) -> None:
        message = await self.socket.receive()
        if message.type not in _DATA:
            raise aiohttp.ClientConnectionError(f"closed before HELLO ({self.socket.close_code})")
        data = self._inflate(message)
        envelope = frames.decode_envelope(data or b"{}")
        if envelope.op != frames.HELLO:
            raise aiohttp.ClientConnectionError(f"expected HELLO, got opcode {envelope.op}")
        hello = msgspec.json.decode(envelope.d, type=_Hello)
        self._pulse = self._heartbeats.start(self, interval=hello.heartbeat_interval / 1000)

    async def identify(self) -> None:
        await self.send_as_json(
            {
                "op": frames.IDENTIFY,
                "d": {
                    "token": self.token,
                    "properties": {"os": sys.platform, "browser": "astero", "device": "astero"},
                    "large_threshold": _LARGE_THRESHOLD,
                    "intents": self._connection._intents.value,
                },
            }
        )

    async def resume_session(self, session_id: str, sequence: int) -> None:
        """Ask for the events after `sequence`; RESUMED or INVALID_SESSION follows."""
        self.session_id = session_id
        self.sequence = sequence
        await self.resume()

    async def read(self) -> SocketEnd:
        """Read until the connection ends, which is the answer. Never raises for what the peer sends."""
        try:
            return await self._read()
        finally:
            self._stop_beating()

    async def _read(self) -> SocketEnd:
        receive = self.socket.receive
        spent = 0
        while True:
            message = await receive()
            if message.type not in _DATA:
                return await self._ended()
            spent += max(len(message.data), _FRAME_COST)
            try:
                control = self._take(message)
            except zlib.error:
                await self.close(KEEPS_SESSION)
                return SocketEnd(None, resumable=True, reason="broken compression")
            # Held across the wait for the next one, a guild's description would stay in memory.
            del message
            if control is not None and (end := await self._control(control)) is not None:
                return end
            if spent >= _SLICE:
                spent = 0
                await self._let_others_run()

    def _take(self, message: aiohttp.WSMessage) -> frames.Envelope | None:
        """Hands a dispatch to the sink; answers any other frame."""
        try:
            data = self._inflate(message)
            if data is None:
                return None
            frame = frames.decode_envelope(data)
        except msgspec.DecodeError as error:
            self._sink.on_event_failed("(frame)", error)
            return None
        if self._pulse is not None:
            self._pulse.heard = True
        if frame.op != frames.DISPATCH:
            return frame
        if frame.s is not None:
            self.sequence = frame.s
        name = frame.t or ""
        try:
            if name == "READY":
                self._adopt(frame.d)
            self._sink.on_event(name, frame.d, frame.s or 0)
        except Exception as error:  # noqa: BLE001 - one event must not end a bot
            self._sink.on_event_failed(name, error)
        return None

    async def _let_others_run(self) -> None:
        await asyncio.sleep(0)
        # Better a late frame than a dropped event: the peer feels it through TCP. An Event for this would
        # be set and cleared for every message.
        while self._sink.is_behind():  # noqa: ASYNC110
            await asyncio.sleep(0)

    def _inflate(self, message: aiohttp.WSMessage) -> bytes | None:
        if message.type is aiohttp.WSMsgType.BINARY:
            return self._inflater.feed(message.data)
        return message.data

    def _adopt(self, payload: msgspec.Raw) -> None:
        ready = msgspec.json.decode(payload, type=_Ready)
        self.session_id = ready.session_id
        self.gateway = yarl.URL(ready.resume_gateway_url)

    async def _control(self, frame: frames.Envelope) -> SocketEnd | None:
        if frame.op == frames.HEARTBEAT_ACK:
            if self._pulse is not None:
                self._pulse.acknowledge(self.loop.time())
        elif frame.op == frames.HEARTBEAT:
            await self.beat()
        elif frame.op == frames.RECONNECT:
            await self.close(KEEPS_SESSION)
            return SocketEnd(None, resumable=True, reason="reconnect asked")
        elif frame.op == frames.INVALID_SESSION:
            resumable = bytes(frame.d) == b"true"
            await self.close(KEEPS_SESSION if resumable else ENDS_SESSION)
            return SocketEnd(None, resumable=resumable, reason="session invalid")
        else:
            logger.debug("unknown gateway opcode", opcode=frame.op)
        return None

    async def _ended(self) -> SocketEnd:
        ours = self._close_code
        code = ours or self.socket.close_code
        if ours is None:
            await self.close(KEEPS_SESSION)  # completes the handshake; the code was the peer's
        if code in {None, 1006}:
            return SocketEnd(None, resumable=True, reason="connection lost")
        return SocketEnd(code, resumable=code not in _NEW_SESSION, reason="closed")

    async def beat(self) -> None:
        await self.send_heartbeat({"op": frames.HEARTBEAT, "d": self.sequence})

    async def declare_dead(self) -> None:
        await self.close(KEEPS_SESSION)

    @property
    def latency(self) -> float:
        pulse = self._pulse
        return float("inf") if pulse is None or pulse.latency is None else pulse.latency

    def _stop_beating(self) -> None:
        if self._pulse is not None:
            self._heartbeats.stop(self._pulse)
            self._pulse = None

    async def close(self, code: int = KEEPS_SESSION) -> None:
        """Close with `code`: 1000 ends the session at Discord, 4000 keeps it for a few minutes."""
        self._stop_beating()
        if self._close_code is None:
            self._close_code = code
        await self.socket.close(code=code)
