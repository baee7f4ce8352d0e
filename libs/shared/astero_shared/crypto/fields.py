"""Secret columns: AES-256-GCM blobs bound to their table, column and row.

Blob: 0x01 ‖ key id (u32, big endian) ‖ 96-bit random IV ‖ ciphertext ‖ 128-bit tag. Exactly the named key is
tried; there is no fallback to another key and none to plaintext.
"""

import os
import struct
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from astero_shared.crypto.keyring import Keyring
from astero_shared.errors import AsteroError

VERSION = 1
_HEADER = struct.Struct(">BI")
_IV_BYTES = 12  # NIST SP 800-38D: 96 bits; random IVs allow 2^32 messages a key
_TAG_BYTES = 16
OVERHEAD = _HEADER.size + _IV_BYTES + _TAG_BYTES


class SecretUnavailableError(AsteroError):
    """The blob cannot be opened: wrong row, unknown key, flipped bit or truncation, not told apart."""

    status = 500
    default_code = "secret_unavailable"

    def __init__(self, table: str, column: str, row: UUID) -> None:
        super().__init__()
        self.where = f"{table}.{column}"
        self.row = row


def _bound_to(table: str, column: str, row: UUID, header: bytes) -> bytes:
    # Each part carries its length: "a|b","c" and "a","b|c" must not give the same bytes.
    parts = (header, table.encode(), column.encode(), row.bytes)
    return b"".join(struct.pack(">H", len(part)) + part for part in parts)


def seal(keyring: Keyring, *, table: str, column: str, row: UUID, plaintext: bytes) -> bytes:
    """Encrypt with the current key for exactly this place; `row` is the primary key, known before INSERT."""
    key_id = keyring.current_id
    key = keyring.find_key(key_id)
    if key is None:
        raise SecretUnavailableError(table, column, row)
    header = _HEADER.pack(VERSION, key_id)
    iv = os.urandom(_IV_BYTES)
    sealed = AESGCM(key).encrypt(iv, plaintext, _bound_to(table, column, row, header))
    return header + iv + sealed


def unseal(keyring: Keyring, *, table: str, column: str, row: UUID, blob: bytes) -> bytes:
    """Decrypt where the value is used. Raises SecretUnavailableError for every kind of wrong."""
    if len(blob) < OVERHEAD:
        raise SecretUnavailableError(table, column, row)
    version, key_id = _HEADER.unpack_from(blob)
    key = keyring.find_key(key_id)
    if version != VERSION or key is None:
        raise SecretUnavailableError(table, column, row)
    header = blob[: _HEADER.size]
    iv = blob[_HEADER.size : _HEADER.size + _IV_BYTES]
    sealed = blob[_HEADER.size + _IV_BYTES :]
    try:
        return AESGCM(key).decrypt(iv, sealed, _bound_to(table, column, row, header))
    except InvalidTag:
        raise SecretUnavailableError(table, column, row) from None
