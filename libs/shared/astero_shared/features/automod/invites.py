"""Invites to servers: Discord's own addresses and the well-known shorteners that lead to them.

Spaces, brackets around the dot, escapes and %xx are seen through; a mention of "discord.gg" without a code
is no invite.
"""

from collections.abc import Iterator
from typing import Final

import re2

from astero_shared.features.automod.readings import Readings, excerpt, without_percent

# Hosts whose every address is an invite. discord.com is not among them.
INVITE_HOSTS: Final = frozenset(
    {"discord.gg", "dsc.gg", "invite.gg", "discord.me", "discord.li", "discord.io"}
)
_DOT: Final = r"\s{0,3}(?:\.|,|\(\.\)|\[\.\]|\(dot\)|\[dot\])\s{0,3}"
_SLASH: Final = r"\s{0,3}[/\\]{1,3}\s{0,2}"
_CODE: Final = r"([a-z0-9-]{2,100})"
_INVITE: Final = (
    r"(?:"
    rf"discord{_DOT}(?:gg|me|li|io){_SLASH}(?:invite{_SLASH})?"
    rf"|(?:dsc|invite){_DOT}gg{_SLASH}"
    rf"|discord(?:app)?{_DOT}com{_SLASH}invite{_SLASH}"
    # ".gg/code" is how people write an invite where "discord" is filtered.
    rf"|(?:^|[\s\"'(*|>])\.gg{_SLASH}"
    rf"){_CODE}"
)


def _options(*, capture: bool) -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.never_capture = not capture
    return options


def _prefilter() -> re2.Set:
    made = re2.Set.SearchSet(_options(capture=False))
    made.Add(_INVITE.encode())
    made.Compile()
    return made


_FINDER: Final = re2.compile(_INVITE.encode(), _options(capture=True))
_MAYBE: Final = _prefilter()


def find_invites(readings: Readings) -> list[tuple[str, str]]:
    """Every invite as (code as written where possible, fragment); the same code once."""
    found: dict[str, str] = {}
    for data in readings.folded:
        for code, fragment in _find(data):
            found.setdefault(code, fragment)
        decoded = without_percent(data)
        if decoded is not None:
            for code, fragment in _find(decoded):
                found.setdefault(code, fragment)
    if not found:
        return []
    lowered = readings.text.lower()
    return [(_as_written(code, readings.text, lowered), part) for code, part in found.items()]


def _find(data: bytes) -> Iterator[tuple[str, str]]:
    # Two searches for bytes cost a tenth of one pass of the automaton.
    if not (b"discord" in data or b"gg" in data) or not _MAYBE.Match(data):
        return
    for match in _FINDER.finditer(data):
        code = data[match.start(1) : match.end(1)].decode("ascii")
        yield code, excerpt(data, match.start(), match.end())


def _as_written(code: str, text: str, lowered: str) -> str:
    # Codes are case-sensitive where they are looked up; readings are lower case.
    at = lowered.find(code) if len(lowered) == len(text) else -1
    return text[at : at + len(code)] if at >= 0 else code
