"""The share of capital letters among letters that have a case; links and Discord's markup do not count."""

import re
from typing import Final, NamedTuple

_UPPER: Final = bytes(range(ord("A"), ord("Z") + 1))
_LOWER: Final = bytes(range(ord("a"), ord("z") + 1))
_UPPER_OR_BEYOND: Final = _UPPER + bytes(range(0x80, 0x100))
# Members, roles, channels, commands, timestamps, custom emoji; and addresses.
_MARKUP: Final = re.compile(r"<(?:@[!&]?|#|/|t:|a?:|id:)[^<>\n]{1,100}>|https?://\S+")


class Letters(NamedTuple):
    """Letters with a case, and how many of them are capitals."""

    total: int
    capitals: int

    @property
    def percent(self) -> int:
        return self.capitals * 100 // self.total if self.total else 0


def count_letters(text: str) -> Letters:
    if "<" in text or "://" in text:
        text = _MARKUP.sub("", text)
    if text.isascii():
        data = text.encode()
        capitals = len(data) - len(data.translate(None, _UPPER))
        return Letters(capitals + len(data) - len(data.translate(None, _LOWER)), capitals)
    capitals = sum(map(str.isupper, text))
    return Letters(capitals + sum(map(str.islower, text)), capitals)


def may_break_caps(text: str, *, percent: int) -> bool:
    """A cheap no for nearly all messages: every letter outside ASCII is taken for a capital."""
    if "<" in text or "://" in text:
        return True
    data = text.encode("utf-8", "replace")
    small = len(data) - len(data.translate(None, _LOWER))
    capitals = len(data) - len(data.translate(None, _UPPER_OR_BEYOND))
    return capitals * 100 > percent * (capitals + small)


def breaks_caps(letters: Letters, *, percent: int, min_letters: int) -> bool:
    """More than `percent` capitals in at least `min_letters` letters."""
    return letters.total >= min_letters and letters.capitals * 100 > percent * letters.total
