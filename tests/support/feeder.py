"""A gateway that only feeds: enough of Discord for a client to come online, then bytes as fast as they go.

The network sandbox plays Discord; this one is for measuring, where the server must cost next to nothing and
every client must get identical bytes. Run as a process: prints its port, then takes commands on stdin.
"""

import asyncio
import json
import ssl
import sys
import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any

from aiohttp import WSMsgType, web

GUILD_ID = 700000000000000000
CHANNEL_ID = 710000000000000000
OWN_ID = 800000000000000000


def small_guild(channels: int = 20, roles: int = 10) -> dict[str, Any]:
    """One guild as GUILD_CREATE describes it, with the bot as its only listed member."""
    return {
        "id": str(GUILD_ID),
        "name": "A small guild",
        "owner_id": "900",
        "unavailable": False,
        "member_count": 25,
        "joined_at": "2026-01-01T00:00:00+00:00",
        "preferred_locale": "en-US",
        "features": [],
        "emojis": [],
        "stickers": [],
        "verification_level": 0,
        "roles": [
            {
                "id": str(GUILD_ID + n),
                "name": "@everyone" if n == 0 else f"role {n}",
                "color": 0,
                "hoist": False,
                "position": n,
                "permissions": "1071698660929",
                "managed": False,
                "mentionable": False,
                "flags": 0,
            }
            for n in range(roles)
        ],
        "channels": [
            {
                "id": str(CHANNEL_ID + n),
                "type": 0,
                "name": f"channel-{n}",
                "position": n,
                "parent_id": None,
                "topic": "what this channel is about",
                "nsfw": False,
                "rate_limit_per_user": 0,
                "permission_overwrites": [{"id": str(GUILD_ID), "type": 0, "allow": "0", "deny": "2048"}],
            }
            for n in range(channels)
        ],
        "members": [
            {
                "user": {
                    "id": str(OWN_ID),
                    "username": "astero",
                    "discriminator": "0",
                    "avatar": None,
                    "bot": True,
                },
                "roles": [str(GUILD_ID + 1)],
                "joined_at": "2026-01-01T00:00:00+00:00",
                "deaf": False,
                "mute": False,
                "flags": 0,
            }
        ],
        "threads": [],
        "voice_states": [],
        "presences": [],
    }


def message(number: int, content: str) -> dict[str, Any]:
    """MESSAGE_CREATE as a guild sends it, about one kilobyte."""
    return {
        "id": str(1_300_000_000_000_000_000 + number),
        "type": 0,
        "channel_id": str(CHANNEL_ID + number % 20),
        "guild_id": str(GUILD_ID),
        "content": content,
        "timestamp": "2026-11-23T12:00:00.000000+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "flags": 0,
        "nonce": "1442164823347232768",
        "author": {
            "id": str(910_000_000_000_000_000 + number % 50),
            "username": f"member{number % 50}",
            "global_name": "A member of the community",
            "discriminator": "0",
            "avatar": "c0ffee254729296a45a3885639ac7e10",
            "public_flags": 0,
            "avatar_decoration_data": None,
            "primary_guild": None,
        },
        "member": {
            "roles": [str(GUILD_ID + 1 + n) for n in range(3)],
            "nick": None,
            "avatar": None,
            "joined_at": "2025-05-01T10:00:00.000000+00:00",
            "premium_since": None,
            "pending": False,
            "deaf": False,
            "mute": False,
            "flags": 0,
            "communication_disabled_until": None,
        },
    }


FLOOD_START = 1_000_000


@cache
def _prepared(count: int, contents: tuple[str, ...]) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    wire = bytearray()
    for number in range(count):
        data = message(number, contents[number % len(contents)])
        frame = {"t": "MESSAGE_CREATE", "s": FLOOD_START + number, "op": 0, "d": data}
        text = json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode()
        body = deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH)
        # RFC 6455: FIN and binary, unmasked from a server; 126 announces a two-byte length.
        short = len(body) < 126
        wire += bytes((0x82, len(body))) if short else b"\x82\x7e" + len(body).to_bytes(2, "big")
        wire += body
    return bytes(wire)


def prepared_flood(count: int, contents: Sequence[str]) -> bytes:
    """The messages as they go over the line: compressed, in WebSocket frames; the same for everybody."""
    return _prepared(count, tuple(contents))


class Feeder:
    """Plays every bot alike; `flood` sends the same compressed frames to each connection."""

    def __init__(self, *, scheme: str) -> None:
        self._scheme = scheme
        self._connections: dict[web.WebSocketResponse, Any] = {}
        self._transports: dict[web.WebSocketResponse, asyncio.WriteTransport] = {}
        self.port = 0
        self.cut_on_resume = False

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/api/v10/users/@me", self._me)
        app.router.add_get("/api/v10/applications/@me", self._application)
        app.router.add_get("/api/v10/oauth2/applications/@me", self._application)
        app.router.add_get("/api/v10/gateway/bot", self._address)
        app.router.add_get("/", self._gateway)
        return app

    async def _me(self, _: web.Request) -> web.Response:
        return _json(
            {"id": str(OWN_ID), "username": "astero", "discriminator": "0", "avatar": None, "bot": True}
        )

    async def _address(self, _: web.Request) -> web.Response:
        return _json({"url": f"{self._scheme}://127.0.0.1:{self.port}/"})

    async def _application(self, _: web.Request) -> web.Response:
        return _json(
            {
                "id": str(OWN_ID),
                "name": "astero",
                "icon": None,
                "description": "",
                "bot_public": True,
                "bot_require_code_grant": False,
                "verify_key": "",
                "flags": 1 << 19 | 1 << 15 | 1 << 13,
                "owner": {"id": "1", "username": "o", "discriminator": "0", "avatar": None},
                "summary": "",
            }
        )

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(max_msg_size=0, compress=False)
        await ws.prepare(request)
        deflate = zlib.compressobj()
        sequence = [0]
        self._connections[ws] = (deflate, sequence)
        assert request.transport is not None
        self._transports[ws] = request.transport
        await self._send(ws, {"op": 10, "d": {"heartbeat_interval": 41250}, "s": None, "t": None})
        async for received in ws:
            if received.type is not WSMsgType.TEXT:
                break
            frame = json.loads(received.data)
            if frame["op"] == 1:
                await self._send(ws, {"op": 11, "d": None, "s": None, "t": None})
            elif frame["op"] == 2:
                await self._greet(ws)
            elif self.cut_on_resume:
                break
        self._connections.pop(ws, None)
        if ws.closed is False and request.transport is not None:
            request.transport.abort()
        return ws

    async def _greet(self, ws: web.WebSocketResponse) -> None:
        user = {"id": str(OWN_ID), "username": "astero", "discriminator": "0", "avatar": None, "bot": True}
        ready = {
            "v": 10,
            "user": user,
            "guilds": [{"id": str(GUILD_ID), "unavailable": True}],
            "session_id": f"session-{id(ws)}",
            "resume_gateway_url": f"{self._scheme}://127.0.0.1:{self.port}/",
            "application": {"id": str(OWN_ID), "flags": 0},
        }
        await self._event(ws, "READY", ready)
        await self._event(ws, "GUILD_CREATE", small_guild())

    async def _event(self, ws: web.WebSocketResponse, name: str, data: Any) -> None:
        _, sequence = self._connections[ws]
        sequence[0] += 1
        await self._send(ws, {"t": name, "s": sequence[0], "op": 0, "d": data})

    async def _send(self, ws: web.WebSocketResponse, frame: Any) -> None:
        deflate, _ = self._connections[ws]
        data = json.dumps(frame, separators=(",", ":")).encode()
        await ws.send_bytes(deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))

    async def event(self, name: str, data: Any) -> None:
        """To every connection."""
        for ws in list(self._connections):
            await self._event(ws, name, data)

    async def flood(
        self,
        count: int,
        contents: Sequence[str],
        *,
        only: Sequence[web.WebSocketResponse] | None = None,
    ) -> None:
        """`count` messages to every connection as fast as it reads, then GUILD_UPDATE with name "over"."""
        wire = prepared_flood(count, contents)
        for ws, (deflate, sequence) in list(self._connections.items()):
            if only is not None and ws not in only:
                continue
            # A full flush empties the compressor's window: what was compressed beforehand then follows
            # on any connection, and what follows it refers to nothing before.
            begin = {**small_guild(0, 1), "name": "flooded"}
            frame = {"t": "GUILD_UPDATE", "s": sequence[0] + 1, "op": 0, "d": begin}
            data = json.dumps(frame, separators=(",", ":")).encode()
            await ws.send_bytes(deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH))
            await self._write(self._transports[ws], wire)
            sequence[0] = FLOOD_START + count
            await self._event(ws, "GUILD_UPDATE", {**small_guild(0, 1), "name": "over"})

    @staticmethod
    async def _write(transport: asyncio.WriteTransport, wire: bytes) -> None:
        view = memoryview(wire)
        for start in range(0, len(view), 1 << 16):
            transport.write(view[start : start + (1 << 16)])
            # The transport's own notice of a drained buffer belongs to aiohttp.
            while transport.get_write_buffer_size() > 1 << 20 and not transport.is_closing():  # noqa: ASYNC110
                await asyncio.sleep(0.001)


def _json(data: Any) -> web.Response:
    # discord.py compares the content type exactly: no charset.
    return web.Response(body=json.dumps(data).encode(), headers={"Content-Type": "application/json"})


async def start(*, tls: ssl.SSLContext | None = None) -> tuple[Feeder, web.AppRunner]:
    """Listen on a port the kernel chooses; `Feeder.port` tells which."""
    feeder = Feeder(scheme="wss" if tls else "ws")
    runner = web.AppRunner(feeder.app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    feeder.port = runner.addresses[0][1]
    return feeder, runner


async def _main(certificate: str | None) -> None:
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    feeder, runner = await start(tls=tls)
    sys.stdout.write(f"{feeder.port}\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        await feeder.flood(command["flood"], command["contents"])
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1] if len(sys.argv) > 1 else None))
