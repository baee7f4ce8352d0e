"""The WebSocket route: reads what a client sends and holds it to the protocol."""

import asyncio
import time
from typing import Any, Final

import orjson
from aiohttp import WSMessage, WSMsgType, web

from astero_sandbox.discord.sandbox import Sandbox

from . import identify, members_request, protocol
from .connection import Connection
from .identify import RefusedError
from .protocol import Close, Op
from .session import Session
from .transports import transport_for

# A client may be this many intervals late with a heartbeat before the server gives it up.
_PATIENCE: Final = 2.0
_CLIENT_SAID_GOODBYE: Final = (1000, 1001)


class GatewayEndpoint:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._identifies = identify.IdentifyQueue(sandbox.settings.identify_window)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if self._sandbox.faults.find("outage", None):
            return web.Response(status=503, text="upstream connect error")
        transport = transport_for(request.query.get("compress"))
        if transport is None:
            return web.Response(status=400, text="this compress is not spoken here; zlib-stream is")
        socket = web.WebSocketResponse(max_msg_size=1 << 20, compress=False, autoclose=False)
        await socket.prepare(request)
        connection = Connection(socket, request, transport, self._sandbox.log)
        self._sandbox.hub.connections.add(connection)
        conversation = Conversation(self._sandbox, self._identifies, connection)
        try:
            await conversation.run(request.query)
        finally:
            self._sandbox.hub.connections.discard(connection)
            conversation.end()
            await connection.stop()
        return socket


class Conversation:
    """One connection from HELLO to its end."""

    def __init__(self, sandbox: Sandbox, identifies: identify.IdentifyQueue, connection: Connection) -> None:
        self._sandbox = sandbox
        self._identifies = identifies
        self._connection = connection
        self._session: Session | None = None
        self._interval = sandbox.settings.heartbeat_ms / 1000

    async def run(self, query: Any) -> None:
        if query.get("v", protocol.VERSION) != protocol.VERSION:
            await self._connection.close(Close.INVALID_API_VERSION)
            return
        if query.get("encoding", "json") != "json":
            await self._connection.close(Close.DECODE)
            return
        self._connection.send_op(
            Op.HELLO, {"heartbeat_interval": self._sandbox.settings.heartbeat_ms, "_trace": []}
        )
        while (message := await self._next_message()) is not None:
            try:
                await self._handle(message)
            except RefusedError as refusal:
                await self._connection.close(refusal.code)
                return

    async def _next_message(self) -> WSMessage | None:
        """None at the end of the connection; a client that stopped beating is sent away."""
        silent_since = self._connection.last_beat
        left = silent_since + self._interval * _PATIENCE - time.monotonic()
        try:
            message = await self._connection.socket.receive(timeout=max(left, 0.001))
        except TimeoutError:
            if self._session is not None:
                self._sandbox.hub.drop(self._session)
            await self._connection.close(Close.SESSION_TIMED_OUT)
            return None
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            return message
        return None

    async def _handle(self, message: WSMessage) -> None:
        raw = message.data.encode() if isinstance(message.data, str) else message.data
        op, data = _decode(raw)
        self._sandbox.log.gateway("in", application_id=self._connection.application_id, op=op, body=raw)
        if self._connection.over_send_limit():
            raise RefusedError(Close.RATE_LIMITED)
        if op == Op.HEARTBEAT:
            self._beat()
        elif op == Op.IDENTIFY:
            await self._identify(data)
        elif op == Op.RESUME:
            self._resume(data)
        elif op in (Op.PRESENCE_UPDATE, Op.VOICE_STATE_UPDATE, Op.REQUEST_GUILD_MEMBERS):
            if self._session is None:
                raise RefusedError(Close.NOT_AUTHENTICATED)
            if op == Op.REQUEST_GUILD_MEMBERS:
                members_request.answer(self._sandbox, self._session, data)
        else:
            raise RefusedError(Close.UNKNOWN_OPCODE)

    def _beat(self) -> None:
        self._connection.last_beat = time.monotonic()
        if not self._sandbox.faults.find("heartbeat_silence", self._connection.application_id):
            self._connection.send_op(Op.HEARTBEAT_ACK)

    async def _identify(self, data: dict[str, Any]) -> None:
        if self._session is not None:
            raise RefusedError(Close.ALREADY_AUTHENTICATED)
        app = identify.authenticate(self._sandbox, data)
        self._connection.application_id = app.id
        self._apply_latency()
        intents = identify.checked_intents(app, data)
        if wait := self._identifies.seconds_to_wait(app.id):
            # Answered late, so that a client that retries at once does not spin.
            await asyncio.sleep(wait)
            identify.invalid_session(self._connection, resumable=False)
            return
        identify.spend_identify(self._sandbox, app)
        self._session = identify.open_session(self._sandbox, app, intents, self._connection)

    def _resume(self, data: dict[str, Any]) -> None:
        if self._session is not None:
            raise RefusedError(Close.ALREADY_AUTHENTICATED)
        app = identify.authenticate(self._sandbox, data)
        self._connection.application_id = app.id
        self._apply_latency()
        self._session = identify.resume_session(self._sandbox, app, data, self._connection)
        if self._session is None:
            identify.invalid_session(self._connection, resumable=False)

    def _apply_latency(self) -> None:
        fault = self._sandbox.faults.find("gateway_latency", self._connection.application_id)
        self._connection.latency = 0.0 if fault is None else fault.details["seconds"]

    def end(self) -> None:
        """Keep the session for a resume, unless the client closed it on purpose."""
        session = self._session
        if session is None or session.connection is not self._connection:
            return
        said_goodbye = self._connection.socket.close_code in _CLIENT_SAID_GOODBYE
        if said_goodbye and not self._connection.closed_by_us:
            self._sandbox.hub.drop(session)
        session.detach()


def _decode(raw: bytes) -> tuple[int, dict[str, Any]]:
    if len(raw) > protocol.MAX_PAYLOAD:
        raise RefusedError(Close.DECODE)
    try:
        payload = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise RefusedError(Close.DECODE) from None
    if not isinstance(payload, dict) or not isinstance(payload.get("op"), int):
        raise RefusedError(Close.DECODE)
    data = payload.get("d")
    return payload["op"], data if isinstance(data, dict) else {}
