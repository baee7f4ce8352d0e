"""How frames travel: plain text, or one compressed stream per connection flushed after every frame."""

import importlib
import importlib.util
import zlib
from typing import Any, Final, Protocol

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


class ZstdStreamTransport:
    """discord.py asks for it wherever the `zstandard` package is installed, and then it is here too."""

    def __init__(self) -> None:
        zstandard: Any = importlib.import_module("zstandard")
        self._stream = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
        self._flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK

    async def send(self, socket: web.WebSocketResponse, frame: bytes) -> None:
        await socket.send_bytes(self._stream.compress(frame) + self._stream.flush(self._flush))


def transport_for(compress: str | None) -> Transport | None:
    """None for a compression this server does not speak."""
    if compress is None:
        return PlainTransport()
    if compress == "zlib-stream":
        return ZlibStreamTransport()
    if compress == "zstd-stream" and importlib.util.find_spec("zstandard") is not None:
        return ZstdStreamTransport()
    return None
