"""A sign-in at Discord that is under way: kept sealed in a cookie of the browser that began it.

The `state` that Discord sends back is the name under which the cookie was sealed, so that a callback works
only in the browser that began, within ten minutes; the code it carries works once at Discord.
"""

import base64
import binascii
import secrets
import time
from typing import Final
from uuid import UUID

import msgspec

from astero_shared.crypto.fields import SecretUnavailableError, seal, unseal
from astero_shared.crypto.keyring import Keyring

COOKIE: Final = "__Host-astero_oauth"
LIFETIME_SECONDS: Final = 600
_PLACE: Final = {"table": "cookies", "column": "oauth"}


class PendingSignIn(msgspec.Struct, frozen=True, kw_only=True):
    """`user_id` is whom to connect the account to, None for a sign-in; `next_path` where to go afterwards.

    `proved` says that who began had just proved who they are.
    """

    verifier: str
    next_path: str
    user_id: UUID | None
    proved: bool
    began_at: float


def begin(*, next_path: str, user_id: UUID | None, proved: bool) -> PendingSignIn:
    return PendingSignIn(
        verifier=secrets.token_urlsafe(48),
        next_path=next_path,
        user_id=user_id,
        proved=proved,
        began_at=time.time(),
    )


def to_cookie(keyring: Keyring, pending: PendingSignIn) -> tuple[str, str]:
    """(state, cookie value)."""
    # the shape of a UUID, which seals are bound to, and 128 random bits: version 4 has 122
    state = UUID(bytes=secrets.token_bytes(16))
    blob = seal(keyring, **_PLACE, row=state, plaintext=msgspec.json.encode(pending))
    return state.hex, base64.urlsafe_b64encode(blob).decode()


def from_cookie(keyring: Keyring, state: str, value: str | None) -> PendingSignIn | None:
    """None for every kind of wrong: another browser's, too old, altered, or never begun."""
    try:
        blob = base64.b64decode(value or "", altchars=b"-_", validate=True)
        plaintext = unseal(keyring, **_PLACE, row=UUID(hex=state), blob=blob)
        pending = msgspec.json.decode(plaintext, type=PendingSignIn)
    except (ValueError, binascii.Error, SecretUnavailableError):
        return None
    return pending if 0 <= time.time() - pending.began_at < LIFETIME_SECONDS else None


def safe_path(path: str | None) -> str:
    """Only a path of ours: what another origin could be hidden in becomes `/`."""
    if path is None or not path.startswith("/") or path[1:2] in {"/", "\\"} or not path.isprintable():
        return "/"
    return path if path.isascii() and "\\" not in path and " " not in path else "/"
