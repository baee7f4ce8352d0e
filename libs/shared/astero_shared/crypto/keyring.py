"""Versioned 256-bit keys: the first encrypts, every one decrypts. Keys never print."""

import base64
import binascii
from collections.abc import Mapping
from typing import Self

KEY_BYTES = 32
_HIGHEST_KEY_ID = 2**32 - 1


class Keyring:
    """`keys` maps key id (1…2^32-1, the u32 of the blob header) to 32 bytes; order matters.

    Raises ValueError naming the key id, never the key.
    """

    __slots__ = ("_current", "_keys")

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys:
            raise ValueError("needs at least one key")
        for key_id, key in keys.items():
            if not 1 <= key_id <= _HIGHEST_KEY_ID:
                raise ValueError(f"key id {key_id} is not between 1 and 2^32-1")
            if len(key) != KEY_BYTES:
                raise ValueError(f"key {key_id} has {len(key)} bytes, not {KEY_BYTES}")
            if len(set(key)) == 1:
                raise ValueError(f"key {key_id} is one repeated byte")
        self._keys = dict(keys)
        self._current = next(iter(self._keys))

    @classmethod
    def parse(cls, text: str) -> Self:
        """`kid:base64,kid:base64`: the first key encrypts, all decrypt."""
        keys: dict[int, bytes] = {}
        for part in text.split(","):
            key_id, separator, encoded = part.strip().partition(":")
            if not separator or not key_id.isascii() or not key_id.isdigit():
                raise ValueError("expected kid:base64[,kid:base64…]")
            if int(key_id) in keys:
                raise ValueError(f"key {key_id} is given twice")
            try:
                keys[int(key_id)] = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                raise ValueError(f"key {key_id} is not base64") from None
        return cls(keys)

    @property
    def current_id(self) -> int:
        return self._current

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(self._keys)

    def find_key(self, key_id: int) -> bytes | None:
        return self._keys.get(key_id)

    def reveal_all(self) -> tuple[bytes, ...]:
        return tuple(self._keys.values())

    def __repr__(self) -> str:
        return f"Keyring(ids={list(self._keys)})"
