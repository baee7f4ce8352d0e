"""Gateway frames as bytes: inflated, and split into envelope and payload without building the payload.

An event nobody wants costs one pass over its bytes; no dict and no Discord object is made for it.
"""

import zlib
from typing import Final

import msgspec

DISPATCH: Final = 0
HEARTBEAT: Final = 1
IDENTIFY: Final = 2
RESUME: Final = 6
RECONNECT: Final = 7
INVALID_SESSION: Final = 9
HELLO: Final = 10
HEARTBEAT_ACK: Final = 11

API_VERSION: Final = 10
_SYNC_FLUSH: Final = b"\x00\x00\xff\xff"


class Envelope(msgspec.Struct, gc=False):
    """The outer object of every frame; `d` stays as the bytes Discord sent."""

    op: int
    d: msgspec.Raw = msgspec.Raw(b"null")
    s: int | None = None
    t: str | None = None


class _GuildKey(msgspec.Struct, gc=False):
    guild_id: str | None = None


decode_envelope = msgspec.json.Decoder(Envelope).decode
_decode_guild_key = msgspec.json.Decoder(_GuildKey).decode


def guild_key(payload: msgspec.Raw) -> str | None:
    """The payload's own `guild_id` as the string Discord sent; None in a direct message."""
    return _decode_guild_key(payload).guild_id


class Inflater:
    """One zlib-stream context, living as long as its connection (Discord: transport compression)."""

    __slots__ = ("_context", "_pending")

    def __init__(self) -> None:
        self._context = zlib.decompressobj()
        self._pending: list[bytes] = []

    def feed(self, data: bytes) -> bytes | None:
        """The whole inflated frame, or None while Discord has sent only a part of it.

        Raises zlib.error on a broken stream, after which the connection must be replaced: the
        context cannot find its way back.
        """
        if self._pending:
            # The end itself may have been cut in two.
            data = b"".join((*self._pending, data))
            self._pending.clear()
        if not data.endswith(_SYNC_FLUSH):
            self._pending.append(data)
            return None
        return self._context.decompress(data)
