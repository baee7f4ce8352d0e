"""Which of our languages an answer is written in."""

import re
from functools import lru_cache
from typing import Final

from litestar.types import Scope

from astero_api.web.context import header
from astero_shared.i18n import Locale

_MAX_BYTES: Final = 256
_RANGE: Final = re.compile(r"([a-z]{1,8})(?:-[a-z0-9]{1,8})*(?:;q=([01](?:\.[0-9]{1,3})?))?")


@lru_cache(maxsize=256)
def _choose(accept_language: bytes) -> Locale:
    best: tuple[float, Locale] = (0.0, "en")
    for part in accept_language.decode("latin-1").lower().replace(" ", "").split(","):
        match = _RANGE.fullmatch(part)
        if match is None or match[1] not in {"en", "fr"}:
            continue
        weight = 1.0 if match[2] is None else float(match[2])
        if weight > best[0]:
            best = (weight, "fr" if match[1] == "fr" else "en")
    return best[1]


def language_of(scope: Scope) -> Locale:
    """By Accept-Language (RFC 9110, 12.5.4): the better weighted of English and French, else English."""
    accepted = header(scope, b"accept-language")
    if accepted is None or len(accepted) > _MAX_BYTES:
        return "en"
    return _choose(accepted)
