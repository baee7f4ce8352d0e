"""How somebody proved who they are, and how long that counts as just now. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

Method = Literal["pwd", "otp", "pop", "fed", "rec", "mfa"]
"""RFC 8176: password, one-time code, possession of a key (a passkey), several factors. Two are not registered
there: `fed`, another service vouched (Discord), and `rec`, a recovery code."""

FRESH_FOR: Final = timedelta(minutes=5)
"""What changes how one signs in, or cannot be undone, asks for a proof no older than this."""
_METHODS: Final[dict[str, Method]] = {method: method for method in get_args(Method)}
_CLOCKS_APART: Final = timedelta(seconds=5)


def is_fresh(authenticated_at: datetime, *, now: datetime) -> bool:
    """Whether the last proof is recent enough; one from the future is of a wrong clock and counts nothing."""
    return -_CLOCKS_APART <= now - authenticated_at <= FRESH_FOR


def joined(before: Iterable[Method], proved: Iterable[Method]) -> tuple[Method, ...]:
    """All the methods of a session, each once, in the order they were first used."""
    return tuple(dict.fromkeys((*before, *proved)))


def known_methods(stored: Iterable[str]) -> tuple[Method, ...]:
    """As the row has them. Raises KeyError for one that nobody ever wrote."""
    return tuple(_METHODS[method] for method in stored)
