"""Codes of an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds) and recovery codes. Pure.

Only ASCII digits are digits; only the present step and the one before are looked at.
"""

import base64
import re
import secrets
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

ISSUER: Final = "Astero"
SEED_BYTES: Final = 20
"""RFC 4226, section 4, R6: 160 bits."""
STEP_SECONDS: Final = 30
ENROLMENT_LIFETIME: Final = timedelta(minutes=15)
"""A seed that was shown and not proved within this time is worth nothing."""
LOGIN_LIFETIME: Final = timedelta(minutes=5)
"""Between the first factor and the second."""
MAX_ATTEMPTS: Final = 5
"""Wrong second factors until the first must be given again."""
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 15
_GROUP: Final = 4
_CODE: Final = re.compile(r"[0-9]{6}")
_RFC4648: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TO_CROCKFORD: Final = str.maketrans(_RFC4648, _CROCKFORD)
# what people read where it says something else
_MISREAD: Final = str.maketrans("OIL", "011", "- ")
_RECOVERY: Final = re.compile(rf"[{_CROCKFORD}]{{24}}")


def new_seed() -> bytes:
    return secrets.token_bytes(SEED_BYTES)


def provisioning_uri(seed: bytes, *, account: str) -> str:
    """The otpauth:// address that authenticator apps read from a QR code."""
    return _totp(seed).get_provisioning_uri(account, ISSUER)


def matching_step(seed: bytes, code: str, *, now: datetime) -> int | None:
    """The step whose code this is, of the present and the one before; None for everything else.

    Whether it was used already is the database's to say.
    """
    if _CODE.fullmatch(code) is None:
        return None
    totp = _totp(seed)
    present = int(now.timestamp()) // STEP_SECONDS
    matching = [
        step
        for step in (present - 1, present)
        if compare_digest(totp.generate(step * STEP_SECONDS), code.encode())
    ]
    return max(matching, default=None)


def new_recovery_code() -> str:
    """120 random bits in Crockford's base32, in six groups of four."""
    symbols = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().translate(_TO_CROCKFORD)
    return "-".join(symbols[start : start + _GROUP] for start in range(0, len(symbols), _GROUP))


def read_recovery_code(text: str) -> str | None:
    """The 24 symbols of what somebody typed; None where it cannot be a recovery code."""
    symbols = text.strip().upper().translate(_MISREAD) if text.isascii() else ""
    return symbols if _RECOVERY.fullmatch(symbols) else None


def _totp(seed: bytes) -> TOTP:
    return TOTP(seed, 6, SHA1(), STEP_SECONDS)  # noqa: S303 - what the apps know; HMAC-SHA-1 is not broken
