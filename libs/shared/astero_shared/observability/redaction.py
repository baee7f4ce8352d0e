"""The one redactor: logs, error reports, audit details and problems all go through `redact`.

Hides by name, by known value and by shape, at any depth, and returns plain JSON-like data that is bounded
in depth, width and length. Idempotent. Never runs a lazy load and never trusts a foreign `repr`.
"""

import datetime as dt
import decimal
import enum
import math
import re
import uuid
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache
from pathlib import PurePath
from typing import Any, Final

from astero_shared.observability.failures import message_of, type_of
from astero_shared.observability.known_secrets import MINIMUM_LENGTH, KnownSecrets
from astero_shared.observability.marker import is_marked, mark
from astero_shared.observability.sensitive_names import counts_things, is_sensitive
from astero_shared.observability.shapes import hide_shapes, is_card_number
from astero_shared.observability.structure import fields_of

MAX_DEPTH: Final = 16
MAX_ITEMS: Final = 256  # of one container
MAX_NODES: Final = 4096  # of the whole value
MAX_TEXT: Final = 16 * 1024  # characters of one string
MAX_NAME: Final = 128
# Read past the cut, so that a secret lying across it is still seen whole.
_OVERLAP: Final = 8 * 1024
# JavaScript's and jq's limit. Discord ids lie above it and would lose their last digits.
_MAX_INTEGER: Final = 2**53 - 1
_SHORT_INTEGER: Final = 10 ** (MINIMUM_LENGTH - 1)  # below: too short for a card or a known secret
_MAX_BITS: Final = 256  # turning a longer integer into text takes quadratic time
_CUT: Final = "[cut:"
_CUT_MARK: Final = re.compile(r"\[cut:[a-z]{1,12}\]")
_NAME_KEYS: Final = ("name", "key", "header")

_KNOWN: Final = KnownSecrets()


def register_secret(value: object) -> None:
    """From now on `value` is hidden wherever it appears, in all its usual encodings.

    Takes text, bytes, or whatever reveals itself (`Secret.reveal`, `SecretRing.reveal_all`). Values under
    eight characters are not registered: they are words.
    """
    for secret in _revealed(value):
        _KNOWN.add(secret)
    _short_name.cache_clear()


def redact(value: object) -> Any:
    """`value` as plain data (dict, list, str, int, float, bool, None) without a secret in it."""
    return _Walk().any(value, depth=0, hidden=False)


def redact_text(text: str, limit: int = MAX_TEXT) -> str:
    """`text` without secrets, at most `limit` characters. The cut is made after the search."""
    if len(text) < MINIMUM_LENGTH and text.isascii() and text.isalnum():
        return text
    if len(text) > limit:
        text = text[: limit + max(_OVERLAP, _KNOWN.longest)]
    if not text.isascii():
        # Lone surrogates are not UTF-8 and would make the line unreadable for others.
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    text = hide_shapes(_KNOWN.hide(text))
    return text if len(text) <= limit else f"{text[: limit - 10]}{_CUT}text]"


def _revealed(value: object) -> Iterator[str | bytes]:
    if isinstance(value, str | bytes):
        yield value
    elif reveal_all := getattr(value, "reveal_all", None):
        yield from reveal_all()
    elif reveal := getattr(value, "reveal", None):
        yield reveal()
    elif value is not None:
        raise TypeError(f"a {type(value).__name__} is not a secret")


class _Walk:
    """One pass over one value: holds what is left of the budget and the containers we are inside of."""

    __slots__ = ("inside", "left")

    def __init__(self) -> None:
        self.left = MAX_NODES
        self.inside: set[int] = set()

    def any(self, value: object, *, depth: int, hidden: bool) -> Any:  # noqa: PLR0911 - a dispatch
        """`hidden`: a name above this value was sensitive, so every leaf below it is marked."""
        if isinstance(value, str):
            return self.text(str.__str__(value), hidden=hidden)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float) and not isinstance(value, enum.Enum):
            return self.number(value, hidden=hidden)
        if isinstance(value, bytes | bytearray | memoryview):
            head = bytes(value[: MAX_TEXT + _OVERLAP + _KNOWN.longest])
            return self.text(head.decode("utf-8", "backslashreplace"), hidden=hidden)
        if hasattr(type(value), "reveal") or hasattr(type(value), "reveal_all"):
            return "***"
        if isinstance(value, _PLAIN):
            plain = value.value if isinstance(value, enum.Enum) else value
            return self.text(str(plain), hidden=hidden)
        return self.container(value, depth=depth, hidden=hidden)

    def text(self, text: str, *, hidden: bool) -> str:
        if not hidden:
            return redact_text(text)
        return text if not text or is_marked(text) or _CUT_MARK.fullmatch(text) else mark(text)

    def number(self, value: float, *, hidden: bool) -> Any:
        if isinstance(value, float):
            plain: Any = float(value) if math.isfinite(value) else str(value)
        elif value.bit_length() > _MAX_BITS:
            plain = f"{_CUT}integer]"
        elif abs(value) < _SHORT_INTEGER:
            plain = int(value)
        else:
            text = str(int(value))
            hiding = is_card_number(text.lstrip("-")) or _KNOWN.hide(text) != text
            plain = mark(text) if hiding else text if abs(value) > _MAX_INTEGER else int(value)
        return self.text(str(plain), hidden=True) if hidden else plain

    def container(self, value: object, *, depth: int, hidden: bool) -> Any:  # noqa: PLR0911 - as above
        if id(value) in self.inside:
            return f"{_CUT}cycle]"
        if depth >= MAX_DEPTH:
            return f"{_CUT}depth]"
        self.inside.add(id(value))
        try:
            if isinstance(value, BaseException):
                return self.mapping(_exception_items(value), depth=depth, hidden=hidden)
            items = fields_of(value)
            if items is not None:
                return self.mapping(items, depth=depth, hidden=hidden)
            if isinstance(value, list | tuple | AbstractSet):
                return self.sequence(value, depth=depth, hidden=hidden)
            return self.text(_safe_repr(value), hidden=hidden)
        except Exception:  # noqa: BLE001 - a foreign mapping or property may raise anything
            return f"{_CUT}unreadable]"
        finally:
            self.inside.discard(id(value))

    def mapping(self, items: Iterable[tuple[object, object]], *, depth: int, hidden: bool) -> Any:
        out: dict[str, Any] = {}
        named = False
        for key, item in items:
            name = key if isinstance(key, str) else _name_of(key)
            if len(out) >= MAX_ITEMS or self.left <= 0:
                out[f"{_CUT}items]"] = True
                break
            self.left -= 1
            below = hidden or _hides(name, item)
            # A header as name and value, each under its own key
            if name in _NAME_KEYS and isinstance(item, str) and is_sensitive(item):
                named = True
            out[_clean_name(name)] = self.any(item, depth=depth + 1, hidden=below)
        if named and "value" in out:
            out["value"] = _Walk().any(out["value"], depth=depth + 1, hidden=True)
        return out

    def sequence(self, items: Iterable[object], *, depth: int, hidden: bool) -> list[Any]:
        out: list[Any] = []
        pair = _header_pair(items)
        for item in items:
            if len(out) >= MAX_ITEMS or self.left <= 0:
                out.append(f"{_CUT}items]")
                break
            self.left -= 1
            out.append(self.any(item, depth=depth + 1, hidden=hidden or (pair and len(out) == 1)))
        return out


_PLAIN: Final = (
    enum.Enum,
    uuid.UUID,
    dt.datetime,
    dt.date,
    dt.time,
    dt.timedelta,
    decimal.Decimal,
    PurePath,
    type,
)


def _clean_name(name: str) -> str:
    return _short_name(name) if len(name) <= MAX_NAME else redact_text(name, MAX_NAME)


@lru_cache(maxsize=4096)
def _short_name(name: str) -> str:
    return redact_text(name, MAX_NAME)


def _hides(name: str, item: object) -> bool:
    if not is_sensitive(name):
        return False
    return not (isinstance(item, int | float) and counts_things(name))


def _header_pair(items: Iterable[object]) -> bool:
    """("Authorization", "…"), (b"cookie", b"…"): how HTTP libraries hold headers."""
    if not isinstance(items, list | tuple) or len(items) != 2:  # noqa: PLR2004 - a pair
        return False
    first = items[0]
    if isinstance(first, bytes):
        first = first[: MAX_NAME + 1].decode("latin-1")
    return isinstance(first, str) and len(first) <= MAX_NAME and is_sensitive(first)


def _name_of(key: object) -> str:
    if isinstance(key, bytes):
        return key[: MAX_NAME * 2].decode("utf-8", "backslashreplace")
    if isinstance(key, enum.Enum):
        return str(key.value)
    return _safe_repr(key)


def _exception_items(error: BaseException) -> list[tuple[object, object]]:
    return [("type", type_of(error)), ("message", message_of(error))]


def _safe_repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a foreign repr may raise anything
        return f"<{type(value).__name__}>"
