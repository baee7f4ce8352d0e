"""The reason that stands in Discord's own audit log."""

from typing import Final
from urllib.parse import quote

_REASON_BYTES: Final = 512


def audit_reason(text: str) -> str:
    """The text cut so that it fits Discord's header: 512 bytes once URL-encoded."""
    used = 0
    for index, character in enumerate(text):
        used += len(quote(character, safe="/ "))
        if used > _REASON_BYTES:
            return text[:index]
    return text
