"""The share of capital letters among letters that have a case; links and Discord's markup do not count."""

import re
from typing import Final, NamedTuple

_UPPER: Final = bytes(range(ord("A"), ord("Z") + 1))
_LOWER: Final = bytes(range(ord("a"), ord("z") + 1))
_UPPER_OR_BEYOND: Final = _UPPER + bytes(range(0x80, 0x100))
# Members, roles, channels, commands, timestamps, custom emoji, guide pages; and addresses. Only what Discord
# draws as such: anything else in angle brackets is read as it stands.
_ID: Final = "[0-9]{15,20}"
_MARKUP: Final = re.compile(
    rf"<(?:(?:@[!&]?|#){_ID}|/[a-z0-9_ -]{{1,98}}:{_ID}|t:-?[0-9]{{1,17}}(?::[tTdDfFRsS])?"
    rf"|a?:[A-Za-z0-9_]{{2,32}}:{_ID}|id:[a-z-]{{4,20}}(?::{_ID})?)>"
    r"|https?://([^\s/?#<>]*)\S*"
)


class Letters(NamedTuple):
    """Letters with a case, and how many of them are capitals."""

    total: int
    capitals: int

    @property
    def percent(self) -> int:
        return self.capitals * 100 // self.total if self.total else 0


def count_letters(text: str) -> Letters:
    if "<" in text or "://" in text:
        text = _MARKUP.sub(_seen, text)
    if text.isascii():
        data = text.encode()
        capitals = len(data) - len(data.translate(None, _UPPER))
        return Letters(capitals + len(data) - len(data.translate(None, _LOWER)), capitals)
    capitals = sum(map(str.isupper, text))
    return Letters(capitals + sum(map(str.islower, text)), capitals)


def _seen(markup: re.Match[str]) -> str:
    # A path has its capitals for a reason (a video's id); a host name with capitals is written to be read.
    host = markup[1]
    return host if host and host != host.lower() else ""


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
