"""Invites to servers: Discord's own addresses and the well-known shorteners that lead to them.

Spaces, brackets around the dot, escapes, %xx, ports and dot segments are seen through; a mention of
"discord.gg" without a code is no invite. A server's public page and a template lead to a server as well.
"""

import re
from collections.abc import Iterator
from typing import Final

import re2

from astero_shared.features.automod.readings import Readings, excerpt, without_percent

# Hosts whose every address is an invite. discord.com is not among them.
INVITE_HOSTS: Final = frozenset(
    {"discord.gg", "dsc.gg", "invite.gg", "discord.me", "discord.li", "discord.io", "discord.new"}
)
_DOT: Final = r"\s{0,3}(?:\.|,|\(\.\)|\[\.\]|\(dot\)|\[dot\])\s{0,3}"
# With the end of the host: browsers take a last dot and any port.
_PORT: Final = r"(?:\.?:[0-9]{0,5}|\.)?"
_SLASH: Final = r"\s{0,3}[/\\]+\s{0,2}(?:\.[/\\]+)*"
# Above the first slash there is nothing: `..` stays where it is.
_ROOT: Final = r"\s{0,3}[/\\]+\s{0,2}(?:\.{1,2}[/\\]+)*"
_CODE: Final = r"([a-z0-9-]{2,100})"
# A server's page ends in its id; without one it is a subject ("/servers/gaming").
_PAGE: Final = r"([a-z0-9%_-]{0,100}[0-9]{15,20})"
_INVITE: Final = (
    r"(?:"
    rf"discord{_DOT}(?:gg|me|li|io){_PORT}{_ROOT}(?:invite{_SLASH})?"
    rf"|(?:dsc|invite){_DOT}gg{_PORT}{_ROOT}"
    rf"|discord{_DOT}new{_PORT}{_ROOT}"
    rf"|discord(?:app)?{_DOT}com{_PORT}{_ROOT}(?:invite|template){_SLASH}"
    # ".gg/code" is how people write an invite where "discord" is filtered.
    rf"|(?:^|[\s\"'(*|>])\.gg{_SLASH}"
    rf"){_CODE}"
    rf"|discord(?:app)?{_DOT}com{_PORT}{_ROOT}servers{_SLASH}{_PAGE}"
)
_ADDRESS: Final = re.compile(rb"[^\s?#]+")
_SLASHES: Final = re.compile(rb"[/\\]+")


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
    if not (b"discord" in data or b"gg" in data):
        return
    if _MAYBE.Match(data):
        for match in _FINDER.finditer(data):
            group = 1 if match.start(1) >= 0 else 2
            code = data[match.start(group) : match.end(group)].decode("ascii")
            yield code, excerpt(data, match.start(), match.end())
    # In a second look, so that no code can be hidden behind dots that a browser does not follow.
    straight = _without_dot_segments(data)
    if straight != data:
        yield from _find(straight)


def _without_dot_segments(data: bytes) -> bytes:
    """Every path as the browser asks for it: `x/../invite` is `invite`."""
    if b"/." not in data and b"\\." not in data:
        return data
    return _ADDRESS.sub(_straightened, data)


def _straightened(address: re.Match[bytes]) -> bytes:
    written = address.group()
    if b"/." not in written and b"\\." not in written:
        return written
    scheme, separator, rest = written.rpartition(b"://")
    host, *segments = _SLASHES.split(rest)
    path: list[bytes] = []
    for segment in segments:
        if segment == b"..":
            del path[-1:]
        elif segment != b".":
            path.append(segment)
    return scheme + separator + b"/".join((host, *path))


def _as_written(code: str, text: str, lowered: str) -> str:
    # Codes are case-sensitive where they are looked up; readings are lower case.
    at = lowered.find(code) if len(lowered) == len(text) else -1
    return text[at : at + len(code)] if at >= 0 else code
