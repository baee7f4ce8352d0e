"""The servers' own regular expressions, on RE2 alone: matching is linear in the text, whatever
somebody writes.

What RE2 cannot do (look-around, back-references) and what is too large is refused when it is saved.
"""

from typing import Literal, NamedTuple

import re2

# One pattern's share of memory; RE2 gives two thirds of it to the program and refuses what does not fit.
_CHECK_MEMORY = 256 * 1024
_SET_MEMORY = 2 * 1024 * 1024


class PatternRefusal(NamedTuple):
    """`kind` names the sentence `config.errors.pattern_<kind>`, `params` fill it."""

    kind: Literal["syntax", "large", "empty"]
    params: dict[str, str]


def check_pattern(pattern: str) -> PatternRefusal | None:
    """Why the pattern cannot be used, or None.

    One that matches the empty text would match every message, so it is refused too.
    """
    try:
        compiled = re2.compile(pattern, pattern_options(_CHECK_MEMORY))
    except re2.error as error:
        reason = _reason(error)
        if "too large" in reason:
            return PatternRefusal("large", {})
        return PatternRefusal("syntax", {"reason": reason})
    except UnicodeError:
        return PatternRefusal("syntax", {"reason": "invalid UTF-8"})
    return PatternRefusal("empty", {}) if compiled.search("") else None


def pattern_options(memory: int) -> re2.Options:
    """RE2's options for tenants' patterns: case ignored, nothing captured, nothing printed."""
    options = re2.Options()
    options.case_sensitive = False
    options.never_capture = True
    options.log_errors = False
    options.max_mem = memory
    return options


def compile_patterns(patterns: tuple[str, ...]) -> re2.Set:
    """One automaton for all patterns of a server: one pass over the text, however many there are."""
    compiled = re2.Set.SearchSet(pattern_options(_SET_MEMORY))
    for pattern in patterns:
        compiled.Add(pattern)
    compiled.Compile()
    return compiled


def find_fragment(pattern: str, text: bytes) -> bytes:
    """What the pattern matched in UTF-8; the whole text should the two ever disagree."""
    match = re2.compile(pattern, pattern_options(_SET_MEMORY)).search(text)
    re2.purge()
    return text[match.start() : match.end()] if match else text


def _reason(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
