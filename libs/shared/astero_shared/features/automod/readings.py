"""The ways one message can be read: as it stands, without Markdown's marks, with digits for letters.

A rule looks through the readings it needs; each is made once per message and only when asked for.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from astero_shared.features.automod.lookalikes import fold, plain, without_faint

MAX_FRAGMENT = 100

_CONTROLS: Final = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\n\r")
_LOWER: Final = bytes(range(256)).lower()
# Invisible once Discord has drawn the message: emphasis, spoilers, code, escapes.
_MARKUP: Final = b"*_~|`\\"
_UNLEET: Final = bytes.maketrans(b"034578@$1|", b"oeastbas\x01\x01")
# Two bars are a spoiler's mark.
_UNLEET_NO_BAR: Final = bytes.maketrans(b"034578@$1", b"oeastbas\x01")
_TOKEN: Final = re.compile(rb"[a-z0-9@$!|\x80-\xff]{3,}")
_PERCENT: Final = re.compile(rb"%[0-9a-f]{2}")
_DIGITS: Final = b"0123456789|"
# Up to here digits are a name or an amount ("a55"); in longer words three of five may stand for letters.
_SHORT_TOKEN: Final = 4
# Letters set apart by one and the same sign or blank: the reading shows them as one word.
LETTER: Final = rb"(?:[a-z0-9@$]|[\xc2-\xf4][\x80-\xbf]{1,3})"
_APART: Final = re.compile(
    rb"(?<![a-z0-9\x80-\xff])%b([^a-z0-9\x80-\xff]{1,3})%b(?:\1%b){2,}(?![a-z0-9\x80-\xff])"
    % (LETTER, LETTER, LETTER)
)
_ONE_LETTER: Final = re.compile(LETTER)
_MIN_APART: Final = 4
# Words of one letter, which may stand before such a run ("a s p a m").
_SHORT_WORDS: Final = b"aiouy"


class Readings:
    """All readings are lower-case UTF-8 without invisible characters and control characters."""

    __slots__ = ("_folded", "_plain", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._folded: tuple[bytes, ...] | None = None
        self._plain: tuple[bytes, ...] | None = None

    @property
    def folded(self) -> tuple[bytes, ...]:
        """Look-alikes undone; a reading more where Markdown may hide something or a blank is hardly seen."""
        if self._folded is None:
            text = self.text
            if text.isascii():
                self._folded = _variants(text)
            else:
                self._folded = _variants(fold(text))
                bare = without_faint(text)
                if bare != text:
                    self._folded += _variants(fold(bare))
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
    if b"%" not in data or not _PERCENT.search(data):
        return None
    return unquote_to_bytes(data).translate(_LOWER, _CONTROLS)


def without_digits(data: bytes) -> bytes:
    """Every digit and sign that can stand for a letter as that letter; a 1 or | (an i or an l) as 0x01.

    A quick look, of the same length: what it shows is looked for again in `without_leet`.
    """
    return data.translate(_UNLEET)


def without_leet(data: bytes) -> bytes:
    """The same only where letters prevail: `b1tch` and `a$$` are words, `a55` and `$15` are not."""
    return _TOKEN.sub(_unleet, data)


def apart(data: bytes) -> bytes:
    """The runs of at least four letters set apart ("f.u.c.k", "s p a m"), each as one word, if any."""
    found: list[bytes] = []
    for run in _APART.finditer(data):
        letters = _letters_of(run.group(), run.group(1))
        if sum(map(bytes.isdigit, letters)) * 2 > len(letters):
            continue  # "1 2 3 4" counts
        found.append(b"".join(letters))
        if letters[0] in _SHORT_WORDS and len(letters) > _MIN_APART:
            found.append(b"".join(letters[1:]))
    return b"\n".join(found)


def _letters_of(run: bytes, between: bytes) -> list[bytes]:
    # Walked, not split: "$" may be a letter here and the sign between them there.
    letters: list[bytes] = []
    at = 0
    while letter := _ONE_LETTER.match(run, at):
        letters.append(letter.group())
        at = letter.end() + len(between)
    return letters


def excerpt(data: bytes, start: int, end: int) -> str:
    """What was found, for the moderators' log: at most 100 characters."""
    return data[start:end].decode("utf-8", "ignore").strip()[:MAX_FRAGMENT]


def _variants(text: str) -> tuple[bytes, ...]:
    data = text.encode("utf-8", "ignore").translate(_LOWER, _CONTROLS)
    bare = data.translate(None, _MARKUP)
    return (data,) if len(bare) == len(data) else (data, bare)


def _unleet(token: re.Match[bytes]) -> bytes:
    data = token.group()
    size = len(data)
    digits = size - len(data.translate(None, _DIGITS))
    if digits * 2 > size and (size <= _SHORT_TOKEN or digits * 5 > size * 3):
        return data
    return data.translate(_UNLEET_NO_BAR if b"||" in data else _UNLEET)
