"""Finds secrets in running text by their shape, known to us or not.

Every pattern is bounded, so hostile text costs time in proportion to its length. `hide_shapes`
is idempotent: what it has marked it leaves alone.
"""

import re
from collections.abc import Callable
from typing import Final

from astero_shared.observability.marker import is_marked, mark
from astero_shared.observability.sensitive_names import TRACES, is_sensitive

_MIN_LENGTH: Final = 4

# name = value, "name": "value", ('name', b'value'), name%3Dvalue. The value is read apart (see _VALUE),
# because it may hold pairs itself: url=https://…?token=…
_NAME: Final = re.compile(
    r"""(?<![A-Za-z0-9_.\-])([A-Za-z_][A-Za-z0-9_.\-]{1,95}+"""
    r"""|(?i:(?:api|private|access|signing)[ ]key|session[ ]id))"""
    r"""(\\{0,3}["']?\]?[ \t]{0,4}(?:=>?|:|%3[Dd])[ \t]{0,4}(?=(b?\\{0,3}["'])?)|"""
    r"""\\{0,3}["'][ \t]{0,4},[ \t]{0,4}(?=(b?\\{0,3}["'])))"""
)
# Only secret inside a query or a form; `code=50013` elsewhere is an error code.
_QUERY: Final = re.compile(r"(?<=[?&])((?:code|state|key|sig|hash)=)([^\s\"'&;<>]{1,4096})")
_VALUE: Final = re.compile(
    r"""(?:b?\\{0,3}"(?P<double>[^"\r\n]{0,4096})|b?\\{0,3}'(?P<single>[^'\r\n]{0,4096})|"""
    r"""(?:(?i:bearer|basic|bot|digest)[ ]+)?"""
    r"""(?P<bare>\[redacted:[0-9a-f]{8}\]|[^\s"'&;<>]{1,4096}))"""
)
_TO_LINE_END: Final = re.compile(r"[^\r\n]{1,8192}")
_PLAIN_WORD: Final = re.compile(r"[a-z]{1,20}[.,;:!?)]{0,2}")
_FILE_AND_LINE: Final = re.compile(r"[0-9]{1,6}[^\w]{0,3}")
_STRICT: Final = ("secret", "password", "passwd", "passphrase", "otp")
_WHOLE_LINE: Final = frozenset({"cookie", "set-cookie", "authorization", "proxy-authorization"})

_OPENING: Final = "([{"
_CLOSING: Final = ")]}"
_MAX_GROUP: Final = 4096

_PEM: Final = re.compile(r"-----BEGIN[A-Z0-9 ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s\\:,-]{0,16384}")
# The first part is the application's id in base64: decimal digits always begin with M, N or O there.
_DISCORD: Final = re.compile(
    r"(?<![\w-])(?:mfa\.[\w-]{60,120}|[MNO][\w-]{22,27}\.[\w-]{6,7}\.[\w-]{27,64})", re.ASCII
)
_DISCORD_PATH: Final = re.compile(
    r"(?<=/)((?:webhooks|interactions)/[0-9]{1,20})/([\w.~%-]{16,512})", re.ASCII
)
_DISCORD_SESSION: Final = re.compile(r"(?i:\bsession(?: id)?:? )([0-9a-fA-F]{32})\b")
_JWT: Final = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,}+(?:\.[A-Za-z0-9_-]*+){0,4}")
_PREFIXED: Final = re.compile(r"(?<![A-Za-z0-9])(?:sk|rk|whsec)_[A-Za-z0-9_+/=-]{8,512}")
_CREDENTIALS: Final = re.compile(r"\b((?i:bearer|basic)\s{1,4})([A-Za-z0-9._~+/=:-]{8,4096}+)")
# A password may hold "/" and "@" where somebody forgot to escape them, so it ends at the last "@" before a
# blank; a host, an address in brackets and a port are none, and what follows them keeps its "@". The colon in
# the mark of what was hidden before is none either.
_USERINFO: Final = re.compile(
    r"(://(?!\[[0-9A-Fa-f:.%]{2,64}\])(?::|(?:[^\s:/@\"'<>[]|\[redacted:[0-9a-f]{8}\]|\[){1,128}+:(?![0-9]{1,5}(?:[^\w.~%!$+*=:@-]|$))))"
    r"([^\s\"'<>]{1,256})@"
)
_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+'-]{1,64}(?:@|%40)(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
# What SQLAlchemy and PostgreSQL add to their sentences: bound values, the refused row, the taken key.
_SQL_VALUES: Final = re.compile(
    r"((?:\[parameters: |\[(?:generated|cached|no key|raw sql|caching)[^\]\r\n]{0,80}\] "
    r"|Failing row contains |Key \([^\r\n]{1,200}?\)=))(\S[^\r\n]{0,8192})"
)
_CARD_LENGTHS: Final = range(13, 20)
_CARD: Final = re.compile(
    r"(?<![0-9A-Za-z.])(?:(?:[3-6][0-9]{12,18}|2[2-7][0-9]{14})(?![0-9A-Za-z])"
    r"|(?:[2-6][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,4}(?:\1[0-9]{1,3})?"
    r"|3[0-9]{3}([ -])[0-9]{6}\2[0-9]{4,5})(?![0-9A-Za-z]))"
)


def hide_shapes(text: str) -> str:
    """`text` without whatever looks like a credential, a card number or an e-mail address."""
    if len(text) < _MIN_LENGTH:
        return text
    if "PRIVATE KEY" in text:
        text = _PEM.sub(_mark_all, text)
    lowered = text.lower()
    if TRACES.search(lowered):
        text = _hide_pairs(text)
    if "earer" in lowered or "asic" in lowered:
        text = _CREDENTIALS.sub(_mark_credentials, text)
    for needle, pattern, replace in _SHAPES:
        if needle in text:
            text = pattern.sub(replace, text)
    return _CARD.sub(_mark_card, text)


def is_card_number(digits: str) -> bool:
    """ISO/IEC 7812: the Luhn check, and not a Discord id.

    Ids have 17 to 19 digits and one in ten passes Luhn. Cards of 17 and 18 digits are not issued in
    practice, and ids of 19 digits begin with 1 or 2 until 2037, so only 4… and 6… are cards there.
    """
    if len(digits) not in _CARD_LENGTHS or digits[0] not in "23456":
        return False
    if len(digits) in {17, 18} or (len(digits) > 18 and digits[0] not in "46"):  # noqa: PLR2004
        return False
    total = 0
    for index, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + index % 2)
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 - digit sum of two digits
    return total % 10 == 0


def _hide_pairs(text: str) -> str:
    out: list[str] = []
    done = 0
    for match in _NAME.finditer(text):
        name = match[1]
        if match.start() < done or not is_sensitive(name) or name.endswith(".py"):
            continue
        start, end = _value_span(text, match, name)
        if start < end and not is_marked(text[start:end]):
            out += (text[done:start], mark(text[start:end]))
            done = end
    return "".join((*out, text[done:])) if out else text


def _value_span(text: str, match: re.Match[str], name: str) -> tuple[int, int]:
    quoted = match[3] or match[4]
    if name.lower() in _WHOLE_LINE and not quoted:
        line = _TO_LINE_END.match(text, match.end())
        return line.span() if line else (0, 0)
    value = _VALUE.match(text, match.end())
    if value is None:
        return (0, 0)
    for group in ("double", "single"):
        if value[group] is not None:
            return value.span(group)
    if value["bare"][0] in _OPENING:
        return (value.start("bare"), _end_of_group(text, value.start("bare")))
    if ":" in match[2] and not any(stem in name.lower() for stem in _STRICT):
        prose = _PLAIN_WORD.fullmatch(value["bare"])  # invalid token: expired
        place = "." in name and _FILE_AND_LINE.fullmatch(value["bare"])  # session.close:12
        if prose or place:
            return (0, 0)
    return value.span("bare")


def _end_of_group(text: str, start: int) -> int:
    """Behind the bracket that closes the one at `start`: a list or dict under a sensitive name goes whole."""
    depth = 0
    end = min(len(text), start + _MAX_GROUP)
    for index in range(start, end):
        depth += (text[index] in _OPENING) - (text[index] in _CLOSING)
        if depth == 0:
            return index + 1
    return end


def _mark_all(match: re.Match[str]) -> str:
    return mark(match[0])


def _mark_second(match: re.Match[str]) -> str:
    kept = match[0].removesuffix(match[2])
    return match[0] if is_marked(match[2]) else kept + mark(match[2])


def _mark_first(match: re.Match[str]) -> str:
    return match[0].replace(match[1], mark(match[1]))


def _mark_parameter(match: re.Match[str]) -> str:
    plain = is_marked(match[2]) or _PLAIN_WORD.fullmatch(match[2])  # ?state=active
    return match[0] if plain else match[1] + mark(match[2])


def _mark_password(match: re.Match[str]) -> str:
    return match[0] if is_marked(match[2]) else f"{match[1]}{mark(match[2])}@"


def _mark_credentials(match: re.Match[str]) -> str:
    # "basic authentication" is English; a credential has a digit, a symbol or both cases.
    word = match[2].rstrip(".:")
    if word.isalpha() and (word.islower() or word.istitle()) and len(word) < 24:  # noqa: PLR2004
        return match[0]
    return match[1] + mark(match[2])


def _mark_card(match: re.Match[str]) -> str:
    digits = match[0].replace(" ", "").replace("-", "")
    return mark(digits) if is_card_number(digits) else match[0]


_SHAPES: Final[tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    ("=", _QUERY, _mark_parameter),
    ("eyJ", _JWT, _mark_all),
    ("/webhooks/", _DISCORD_PATH, _mark_second),
    ("/interactions/", _DISCORD_PATH, _mark_second),
    ("[", _SQL_VALUES, _mark_second),
    ("Key (", _SQL_VALUES, _mark_second),
    ("Failing row", _SQL_VALUES, _mark_second),
    ("ession", _DISCORD_SESSION, _mark_first),
    ("ESSION", _DISCORD_SESSION, _mark_first),
    (".", _DISCORD, _mark_all),
    ("k_", _PREFIXED, _mark_all),
    ("whsec_", _PREFIXED, _mark_all),
    ("://", _USERINFO, _mark_password),
    ("@", _EMAIL, _mark_all),
    ("%40", _EMAIL, _mark_all),
)
