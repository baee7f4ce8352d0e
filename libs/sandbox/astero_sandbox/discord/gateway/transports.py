"""How frames travel: plain text, or one zlib stream per connection flushed after every frame."""

import zlib
from typing import Final, Protocol

from aiohttp import web

# Speed over ratio: the stream only ever crosses loopback.
_LEVEL: Final = 1


class Transport(Protocol):
    async def send(self, socket: web.WebSocketResponse, frame: bytes) -> None: ...


class PlainTransport:
    async def send(self, socket: web.WebSocketResponse, frame: bytes) -> None:
        await socket.send_frame(frame, web.WSMsgType.TEXT)


class ZlibStreamTransport:
    """Each message ends with 00 00 ff ff; the dictionary lives as long as the connection."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(_LEVEL)

    async def send(self, socket: web.WebSocketResponse, frame: bytes) -> None:
        packed = self._stream.compress(frame) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        await socket.send_bytes(packed)


def transport_for(compress: str | None) -> Transport | None:
    """None for a compression this server does not speak."""
    if compress is None:
        return PlainTransport()
    return ZlibStreamTransport() if compress == "zlib-stream" else None
