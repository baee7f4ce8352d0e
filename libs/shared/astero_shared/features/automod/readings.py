"""The ways one message can be read: as it stands, without Markdown's marks, with digits for letters.

A rule looks through the readings it needs; each is made once per message and only when asked for.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

import re2

from astero_shared.features.automod.lookalikes import fold, plain

MAX_FRAGMENT = 100

_CONTROLS: Final = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\n\r")
_LOWER: Final = bytes(range(256)).lower()
# Invisible once Discord has drawn the message: emphasis, spoilers, code, escapes.
_MARKUP: Final = b"*_~|`\\"
_UNLEET: Final = bytes.maketrans(b"034578@$!1", b"oeastbasi\x01")
_LEET_TOKEN: Final = re.compile(rb"[a-z0-9@$\x80-\xff][a-z0-9@$!\x80-\xff]+[a-z0-9@$\x80-\xff]")


def _compile_leet() -> re2.Set:
    # A digit or sign beside a letter; a ! only between letters, since most of them end sentences.
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    made = re2.Set.SearchSet(options)
    letter = rb"[a-z\x80-\xff]"
    made.Add(letter + rb"[!0134578@$]+" + letter)
    made.Add(letter + rb"[0134578@$]|[0134578@$]" + letter)
    made.Compile()
    return made


_DIGITS: Final = b"0123456789"
_LEET_MAYBE: Final = _compile_leet()
# In a word's expression this byte stands where a 1 was: an i or an l.
ONE: Final = b"\x01"


class Readings:
    """All readings are lower-case UTF-8 without invisible characters and control characters."""

    __slots__ = ("_folded", "_plain", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._folded: tuple[bytes, ...] | None = None
        self._plain: tuple[bytes, ...] | None = None

    @property
    def folded(self) -> tuple[bytes, ...]:
        """Look-alikes undone; one reading, or two where Markdown may hide something."""
        if self._folded is None:
            text = self.text
            self._folded = _variants(text if text.isascii() else fold(text))
        return self._folded

    @property
    def plain(self) -> tuple[bytes, ...]:
        """Letters as they are. For ASCII the same as `folded`."""
        if self._plain is None:
            text = self.text
            self._plain = self.folded if text.isascii() else _variants(plain(text))
        return self._plain


def without_percent(data: bytes) -> bytes | None:
    """The reading with %xx undone, as a browser would for a path; None where there is none."""
    if b"%" not in data:
        return None
    decoded = unquote_to_bytes(data).translate(_LOWER, _CONTROLS)
    return None if decoded == data else decoded


def without_leet(data: bytes) -> bytes | None:
    """The reading with digits for letters undone, of the same length; None where there are none.

    Only in tokens that are mostly letters: `b1tch` and `a$$` are words, `a55`, `$15` and `4x4` are not.
    """
    if not _LEET_MAYBE.Match(data):
        return None
    changed = _LEET_TOKEN.sub(_unleet, data)
    return None if changed == data else changed


def excerpt(data: bytes, start: int, end: int) -> str:
    """What was found, for the moderators' log: at most 100 characters."""
    return data[start:end].decode("utf-8", "ignore").strip()[:MAX_FRAGMENT]


def _variants(text: str) -> tuple[bytes, ...]:
    data = text.encode("utf-8", "ignore").translate(_LOWER, _CONTROLS)
    bare = data.translate(None, _MARKUP)
    return (data,) if len(bare) == len(data) else (data, bare)


def _unleet(token: re.Match[bytes]) -> bytes:
    data = token.group()
    digits = len(data) - len(data.translate(None, _DIGITS))
    return data.translate(_UNLEET) if digits * 2 <= len(data) else data
