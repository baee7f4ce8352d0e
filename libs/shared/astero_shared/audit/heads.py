"""What shows that a chain was cut or written anew, whoever did it: its newest entry, told outside.

A head is one log line `audit.head` with a MAC that the database cannot make. Lines that were copied away are
compared with the chains later (`astero audit verify --head`).
"""

import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from astero_shared.audit.canonical import encode
from astero_shared.crypto.keyring import Keyring

HEAD_LINE: Final = "audit.head"
_VERSION: Final = "astero-audit-head-1"


class HeadForgedError(Exception):
    """A line that says it is a head and has no MAC of ours."""


@dataclass(frozen=True, slots=True)
class Head:
    """At `told_at` the chain's entry `seq` was its newest and had this hash."""

    chain: str
    seq: int
    hash: bytes
    told_at: datetime


def head_fields(head: Head, keyring: Keyring) -> dict[str, Any]:
    """The fields of its log line."""
    return {
        "chain": head.chain,
        "seq": head.seq,
        "hash": head.hash.hex(),
        "toldAt": head.told_at.isoformat(),
        "mac": f"{keyring.current_id}:{_mac(head, keyring, keyring.current_id)}",
    }


def read_heads(lines: Iterable[str], keyring: Keyring) -> Iterator[Head]:
    """The heads among log lines; other lines are passed over. Raises HeadForgedError."""
    for number, line in enumerate(lines, start=1):
        if f'"{HEAD_LINE}"' in line and (head := _read(line, keyring, number)) is not None:
            yield head


def _read(line: str, keyring: Keyring, number: int) -> Head | None:
    try:
        fields = json.loads(line)
        if fields.get("msg") != HEAD_LINE:
            return None
        told_at = datetime.fromisoformat(fields["toldAt"])
        head = Head(fields["chain"], int(fields["seq"]), bytes.fromhex(fields["hash"]), told_at)
        key_id, _, mac = fields["mac"].partition(":")
        genuine = hmac.compare_digest(_mac(head, keyring, int(key_id)), mac)
    except (AttributeError, KeyError, TypeError, ValueError):
        genuine, head = False, None
    if not genuine:
        raise HeadForgedError(f"line {number} is not a head that Astero wrote with a key of this ring")
    return head


def _mac(head: Head, keyring: Keyring, key_id: int) -> str:
    """Raises ValueError for a key that is not in the ring."""
    key = keyring.find_key(key_id)
    if key is None:
        raise ValueError("unknown key")
    own = HKDF(SHA256(), length=32, salt=None, info=b"astero audit head").derive(key)
    said = encode((_VERSION, head.chain, str(head.seq), head.hash, head.told_at.isoformat()))
    return hmac.new(own, said, sha256).hexdigest()
