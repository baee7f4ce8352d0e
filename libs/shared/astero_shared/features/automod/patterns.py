"""The servers' own regular expressions, on RE2 alone: matching is linear in the text, whatever
somebody writes.

What RE2 cannot do (look-around, back-references) and what is too large is refused when it is saved.
"""

from typing import Literal, NamedTuple

import re2

# RE2's instructions for all patterns of a server. Matching is linear in the text, but each character may
# cost as much as the program is large: the worst that fits here takes some 20 µs a character, while 25
# ordinary patterns have 1500 instructions between them.
MAX_PROGRAM = 3000
_MEMORY = 2 * 1024 * 1024


class PatternRefusal(NamedTuple):
    """`kind` names the sentence `config.errors.pattern_<kind>`, `params` fill it."""

    kind: Literal["syntax", "large", "empty"]
    params: dict[str, str]


def check_patterns(patterns: tuple[str, ...]) -> tuple[int, PatternRefusal] | None:
    """The first pattern that cannot be used, by its place, and why; None if all can.

    One that matches the empty text would match every message, so it is refused too.
    """
    size = 0
    for index, pattern in enumerate(patterns):
        try:
            compiled = re2.compile(pattern, _options())
        except re2.error as error:
            reason = _reason(error)
            if "too large" in reason:
                return index, PatternRefusal("large", {})
            return index, PatternRefusal("syntax", {"reason": reason})
        except UnicodeError:  # a lone surrogate
            return index, PatternRefusal("syntax", {"reason": "invalid UTF-8"})
        finally:
            re2.purge()  # its cache would keep the programs of 128 patterns that were only tried
        size += compiled.programsize
        if size > MAX_PROGRAM:
            return index, PatternRefusal("large", {})
        if compiled.search(""):
            return index, PatternRefusal("empty", {})
    return None


def _options() -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MEMORY
    return options


def compile_patterns(patterns: tuple[str, ...]) -> re2.Set:
    """One automaton for all patterns of a server: one pass over the text, however many there are."""
    compiled = re2.Set.SearchSet(_options())
    for pattern in patterns:
        compiled.Add(pattern)
    compiled.Compile()
    return compiled


def find_fragment(pattern: str, text: bytes) -> bytes:
    """What the pattern matched in UTF-8; the whole text should the two ever disagree."""
    match = re2.compile(pattern, _options()).search(text)
    re2.purge()
    return text[match.start() : match.end()] if match else text


def _reason(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
