"""The bytes an audit entry is hashed from, so that anybody with the rows can compute its hash again.

An entry is these fields, in this order, each of them UTF-8 text unless told otherwise:

    `astero-audit-1` · chain · seq · prev_hash (32 bytes) · id · at · actor_kind · actor_id · account_id
    · bot_id · guild_id · action · target · details · personal_hash (32 bytes)

A field that is NULL is the byte 0; any other is the byte 1, its length in bytes (unsigned, 32 bits,
big-endian) and its bytes. Numbers are decimal, UUIDs lower case with hyphens, `at` is microseconds since 1970
UTC, `details` is the JSON text of `canonical_json`. `hash` is SHA-256 of all that; `prev_hash` is the hash of
the entry with the `seq` before, 32 zero bytes for the first. `personal_hash` is SHA-256 of `personal_salt`
and the JSON text of `personal`; those two are NULL once forgotten, and what they hashed to stays.

PostgreSQL computes the same in `chain_audit_entry` when an entry is added.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, TypeAlias
from uuid import UUID

JsonValue: TypeAlias = "str | int | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"

VERSION: Final = "astero-audit-1"
NO_HASH: Final = bytes(32)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """A row of `audit_entries`, column by column, without what the table's class costs for each."""

    id: UUID
    at: datetime
    chain: str
    seq: int
    prev_hash: bytes
    hash: bytes
    actor_kind: str
    actor_id: str
    account_id: UUID | None
    bot_id: UUID | None
    guild_id: int | None
    action: str
    target: str | None
    details: dict[str, Any]
    personal: dict[str, Any] | None
    personal_salt: bytes | None
    personal_hash: bytes | None


def canonical_json(value: JsonValue) -> str:
    """As PostgreSQL writes jsonb: keys by length in bytes, then by bytes; a space after each comma and colon.

    Raises TypeError for what has more than one spelling, such as a float or a date.
    """
    match value:
        case None | bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            return str(value)
        case Mapping():
            keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
            pairs = (f"{json.dumps(key, ensure_ascii=False)}: {canonical_json(value[key])}" for key in keys)
            return "{" + ", ".join(pairs) + "}"
        case list() | tuple():
            return "[" + ", ".join(canonical_json(item) for item in value) + "]"
        case _:
            raise TypeError(f"{type(value).__name__} has no one spelling in JSON")


def encode(fields: Iterable[str | bytes | None]) -> bytes:
    """No two lists of fields have the same encoding."""
    body = bytearray()
    for field in fields:
        if field is None:
            body += b"\0"
            continue
        raw = field if isinstance(field, bytes) else field.encode()
        body += b"\1" + len(raw).to_bytes(4, "big") + raw
    return bytes(body)


def hash_entry(entry: StoredEntry) -> bytes:
    """What `hash` must be, from everything else the row holds."""
    return sha256(
        encode(
            (
                VERSION,
                entry.chain,
                str(entry.seq),
                entry.prev_hash,
                str(entry.id),
                str((entry.at - _EPOCH) // _MICROSECOND),
                entry.actor_kind,
                entry.actor_id,
                _text(entry.account_id),
                _text(entry.bot_id),
                _text(entry.guild_id),
                entry.action,
                entry.target,
                canonical_json(entry.details),
                entry.personal_hash,
            )
        )
    ).digest()


def hash_personal(salt: bytes, personal: Mapping[str, JsonValue]) -> bytes:
    return sha256(salt + canonical_json(personal).encode()).digest()


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)
