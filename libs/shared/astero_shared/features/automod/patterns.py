"""The servers' own regular expressions, on RE2 alone: linear in the text, whatever somebody writes.

What RE2 cannot do (look-around, back-references) and what is too large is refused when it is saved.
"""

from itertools import islice
from typing import Final, Literal, NamedTuple

import re2

from astero_shared.features.automod.readings import Readings, excerpt

# RE2's instructions for all patterns of a server together. A character of text costs at most a pass over
# the program: the worst that fits takes some 10 µs for each, 25 ordinary patterns have 800 instructions.
MAX_PROGRAM: Final = 6000
# With little memory RE2 gives up its automaton early where a text keeps it from settling, and goes on
# with one whose cost does not depend on the text. Measured: three times faster on hostile pairs.
_MEMORY: Final = 1024 * 1024
# Each match may cost a pass over the text; nobody's pattern needs its hundredth.
_MAX_MATCHES: Final = 100
_LETTERS: Final = bytes(range(ord("a"), ord("z") + 1))
# Messages with nothing in common: what matches all of them means nothing. `\b` and the like match between
# the characters of the first, with no character of their own.
_UNRELATED: Final = tuple(text.encode() for text in ("a b", "1", "!", "é", "日", "😀"))


class PatternRefusal(NamedTuple):
    """`kind` names the sentence `errors.config.pattern_<kind>`, `params` fill it."""

    kind: Literal["syntax", "large", "empty"]
    params: dict[str, str]


class PatternMatcher:
    """All patterns of a server as one expression. RE2 knows no look-around, so none reaches into another."""

    __slots__ = ("_compiled",)

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._compiled = _compile(patterns)

    def find(self, readings: Readings) -> str | None:
        """What the first pattern to match matched, as written where it stands so; None if there is none."""
        text = readings.text
        data = text.encode("utf-8", "replace")
        match = self._compiled.search(data)
        if match is not None:
            return excerpt(data, match.start(), match.end())
        # The message as readers see it, where that may differ. Only what has a letter counts: there an
        # emoji is a blank, and nobody who writes `\s{5,}` means five emoji.
        for data in readings.folded[1 if text.isascii() else 0 :]:
            for match in islice(self._compiled.finditer(data), _MAX_MATCHES):
                found = data[match.start() : match.end()]
                if len(found.translate(None, _LETTERS)) < len(found):
                    return excerpt(found, 0, len(found))
        return None


def check_patterns(patterns: tuple[str, ...]) -> tuple[int, PatternRefusal] | None:
    """The first pattern that cannot be used, by its place, and why; None if all can.

    One that matches without a character (`a*`, a word boundary) or whatever the character (`.`) would match
    every message, so it is refused too.
    """
    for index, pattern in enumerate(patterns):
        try:
            alone = _compile((pattern,))
            together = _compile(patterns[: index + 1])
        except re2.error as error:
            reason = _reason(error)
            if "too large" in reason:
                return index, PatternRefusal("large", {})
            return index, PatternRefusal("syntax", {"reason": reason})
        except UnicodeError:  # a lone surrogate
            return index, PatternRefusal("syntax", {"reason": "invalid UTF-8"})
        if together.programsize > MAX_PROGRAM:
            return index, PatternRefusal("large", {})
        if _matches_anything(alone):
            return index, PatternRefusal("empty", {})
    return None


def _matches_anything(pattern: re2._Regexp) -> bool:
    if pattern.search(b""):
        return True
    found = [pattern.search(text) for text in _UNRELATED]
    return any(match and match.start() == match.end() for match in found) or all(found)


def _compile(patterns: tuple[str, ...]) -> re2._Regexp:
    options = re2.Options()
    options.case_sensitive = False
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MEMORY
    # Each is compiled as it stands first, so that brackets of one cannot close another's group.
    for pattern in patterns:
        re2.compile(pattern.encode(), options)
    joined = patterns[0] if len(patterns) == 1 else "|".join(f"(?:{one})" for one in patterns)
    try:
        return re2.compile(joined.encode(), options)
    finally:
        re2.purge()  # its cache would keep the programs of 128 expressions that nobody uses


def _reason(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
