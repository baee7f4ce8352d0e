"""Refresh tokens: 256 random bits for the cookie, their SHA-256 for the database."""

import hashlib
import secrets
from datetime import timedelta
from typing import Final

REFRESH_IDLE: Final = timedelta(days=7)
"""Unused this long, a token is worth nothing."""
SESSION_LIFETIME: Final = timedelta(days=30)
"""From the sign-in; no refresh extends it."""
REPLAY_GRACE: Final = timedelta(seconds=10)
"""Two tabs may ask at once; a second use later than this shows a copy."""
MAX_SESSIONS: Final = 20


def new_refresh_token() -> str:
    return secrets.token_urlsafe(32)


def hash_refresh_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
