"""A frame is split without building what is in it."""

import json
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astero_bot_engine.gateway.frames import Inflater, decode_envelope, guild_key

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60)
@given(payload=st.dictionaries(st.text(), values, max_size=6), guild=st.none() | st.text(max_size=20))
def test_the_guild_is_the_payloads_own_whatever_lies_deeper(
    payload: dict[str, Any], guild: str | None
) -> None:
    payload |= {"message_reference": {"guild_id": "another"}, "guild_id": guild}
    frame = decode_envelope(json.dumps({"t": "MESSAGE_CREATE", "s": 7, "op": 0, "d": payload}).encode())

    assert (frame.op, frame.s, frame.t) == (0, 7, "MESSAGE_CREATE")
    assert guild_key(frame.d) == guild
    assert msgspec.json.decode(frame.d) == payload


def test_a_direct_message_has_no_guild() -> None:
    assert guild_key(msgspec.Raw(b'{"content": "hi"}')) is None


@given(frames=st.lists(st.binary(min_size=1, max_size=400), min_size=1, max_size=5), data=st.data())
def test_frames_come_out_whole_however_they_are_cut(frames: list[bytes], data: st.DataObject) -> None:
    deflate, inflater = zlib.compressobj(), Inflater()
    for frame in frames:
        packed = deflate.compress(frame) + deflate.flush(zlib.Z_SYNC_FLUSH)
        # Discord cuts a frame anywhere before its last bytes, but never so that a part ends like a whole.
        at = data.draw(st.integers(0, len(packed) - 1))
        head, tail = packed[:at], packed[at:]
        if head and not head.endswith(b"\x00\x00\xff\xff"):
            assert inflater.feed(head) is None
            assert inflater.feed(tail) == frame
        else:
            assert inflater.feed(packed) == frame


def test_a_broken_stream_says_so() -> None:
    with pytest.raises(zlib.error):
        Inflater().feed(b"garbage\x00\x00\xff\xff")
