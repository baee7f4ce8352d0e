"""The words rule as one automaton: linear in the text, whatever the list.

Whole words by default; `*` at an end opens that end. Three and more of a letter count as one or as two, as
the word has it ("fuuuck"), and never two as one ("good" is not "god"). Letters set apart one by one
("s p a m", "s.p.a.m") are the word where they are at least four.
"""

from typing import Final

import re2

from astero_shared.features.automod.lookalikes import fold
from astero_shared.features.automod.readings import (
    LETTER,
    Readings,
    apart,
    excerpt,
    without_digits,
    without_leet,
)

# RE2 reads the UTF-8 bytes as Latin-1: every byte of a letter outside ASCII is 0x80 or above, and folding
# has made all punctuation and every blank ASCII. That keeps the automaton a fraction of its Unicode size.
_WORD_CHARACTER: Final = rb"a-z0-9\x01\x80-\xff"
# Han, kana, Thai, Lao, Burmese and Khmer stand without spaces: beside them a word begins and ends.
_UNSPACED: Final = rb"\xe0[\xb8-\xbb][\x80-\xbf]|\xe1[\x80-\x82\x9e\x9f][\x80-\xbf]|[\xe3-\xe9][\x80-\xbf]{2}"
_BEFORE: Final = rb"(?:^|[^%b]|%b)" % (_WORD_CHARACTER, _UNSPACED)
_AFTER: Final = rb"(?:$|[^%b]|%b)" % (_WORD_CHARACTER, _UNSPACED)
_GAP: Final = rb"[^%b]+" % _WORD_CHARACTER
# The shape that `apart` looks for, but for the equal signs between. Beside the list in one automaton it costs
# no pass of its own; `_LISTED` is the list's place there.
_APART: Final = rb"(?:^|[^%b])%b(?:$|[^%b])" % (
    _WORD_CHARACTER,
    (rb"[^%b]{1,3}" % _WORD_CHARACTER).join([LETTER] * 4),
    _WORD_CHARACTER,
)
_LISTED: Final = 0
# Longer entries are phrases: nobody stretches their letters, and each stretch costs memory.
_MAX_STRETCHED: Final = 16
_BASE_MEMORY: Final = 512 * 1024
_MEMORY_PER_BYTE: Final = 1280
_LOCATE_MEMORY: Final = 2 * 1024 * 1024
_MAX_MEMORY: Final = 64 * 1024 * 1024


class WordMatcher:
    """Compiled once per change of the list; nothing is allocated where nothing is found."""

    __slots__ = ("_expression", "_set", "_symbols")

    def __init__(self, words: tuple[str, ...]) -> None:
        bodies: dict[tuple[bytes, bytes], list[bytes]] = {}
        symbols: list[str] = []
        for word in words:
            bare = word.strip("* ")
            body = _body(bare)
            if body:
                before = b"" if word.startswith("*") or _is_open(bare[0]) else _BEFORE
                after = b"" if word.endswith("*") or _is_open(bare[-1]) else _AFTER
                bodies.setdefault((before, after), []).append(body)
            elif bare:
                # Without a letter or digit (an emoji, say) an entry is looked for as it stands.
                symbols.append(bare.lower())
        self._symbols = tuple(symbols)
        self._expression = b"|".join(
            b"%b(%b)%b" % (before, b"|".join(same), after) for (before, after), same in bodies.items()
        )
        self._set = _compile_set(self._expression) if bodies else None

    def find(self, readings: Readings) -> str | None:
        """The first word found, as it reads after folding; None if there is none."""
        words = self._set
        if words is not None:
            for data in readings.folded:
                hits = words.Match(data)
                if hits and _LISTED in hits:
                    return self._locate(data, data)
                loose = without_digits(data)
                if loose != data and _is_listed(words, loose):
                    careful = without_leet(data)
                    if _is_listed(words, careful):
                        return self._locate(careful, data)
                if hits:
                    found = self._find_apart(words, apart(data))
                    if found is not None:
                        return found
        return self._find_symbol(readings)

    def _find_apart(self, words: re2.Set, together: bytes) -> str | None:
        for read in {together: None, without_leet(together): None} if together else ():
            if _is_listed(words, read):
                return self._locate(read, together)
        return None

    def _find_symbol(self, readings: Readings) -> str | None:
        if self._symbols:
            text = readings.text.lower()
            for symbol in self._symbols:
                if symbol in text:
                    return symbol
        return None

    def _locate(self, matched: bytes, shown: bytes) -> str:
        # A Set only says that something matched. This happens per hit, not per message, so the expression
        # is compiled small and for the occasion; RE2's own cache would keep 128 of them.
        match = re2.compile(self._expression, _options(_LOCATE_MEMORY, capture=True)).search(matched)
        re2.purge()
        if match is None:
            return excerpt(shown, 0, len(shown))
        start, end = next(span for group in range(1, 5) if (span := match.span(group)) != (-1, -1))
        return excerpt(shown, start, end)


def _is_listed(words: re2.Set, data: bytes) -> bool:
    return _LISTED in (words.Match(data) or ())


def _compile_set(expression: bytes) -> re2.Set:
    memory = min(_BASE_MEMORY + _MEMORY_PER_BYTE * len(expression) // 8, _MAX_MEMORY)
    while True:
        compiled = re2.Set.SearchSet(_options(memory))
        compiled.Add(expression)
        compiled.Add(_APART)
        try:
            compiled.Compile()
        except re2.error:
            if memory >= _MAX_MEMORY:
                raise
            memory *= 2
        else:
            return compiled


def _options(memory: int, *, capture: bool = False) -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = not capture
    options.log_errors = False
    options.max_mem = memory
    return options


def _body(bare: str) -> bytes:
    """What to look for between the boundaries; empty if folding leaves neither letter nor digit."""
    parts = fold(bare).split()
    if not any(char.isalnum() for part in parts for char in part):
        return b""
    stretch = len(bare) <= _MAX_STRETCHED
    return _GAP.join(_part(part, stretch=stretch) for part in parts)


def _is_open(char: str) -> bool:
    """Whether this end of a word needs no boundary: signs ("c++") and scripts without spaces."""
    folded = fold(char)
    return not folded.isalnum() or bool(_UNSPACED_ONLY.fullmatch(folded.encode("utf-8", "ignore")))


def _part(part: str, *, stretch: bool) -> bytes:
    pieces: list[bytes] = []
    index = 0
    while index < len(part):
        char = part[index]
        run = 1
        while index + run < len(part) and part[index + run] == char:
            run += 1
        index += run
        unit = _unit(char)
        if not stretch or not char.isalpha():
            pieces.append(unit * run)
        elif run == 1:
            pieces.append(b"%b(?:%b{2,})?" % (unit, unit))
        else:
            pieces.append(b"%b{%d,}" % (unit, run))
    return b"".join(pieces)


def _unit(char: str) -> bytes:
    if char == "i":
        return rb"[i!\x01]"  # no letter of its own: "hi!" still ends before the !
    if char == "l":
        return rb"[l\x01]"
    data = char.encode("utf-8", "ignore")
    escaped = re2.escape(data)
    return escaped if len(data) == 1 else b"(?:%b)" % escaped


_UNSPACED_ONLY: Final = re2.compile(b"(?:%b)+" % _UNSPACED, _options(_LOCATE_MEMORY))
