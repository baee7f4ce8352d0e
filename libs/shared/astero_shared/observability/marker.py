"""What stands where a secret stood: `[redacted:1f2e3d4c]`.

The eight digits are a hash under a key that lives as long as this process: equal secrets get equal
marks, so an operator can correlate, and nobody can guess a short secret by hashing candidates.
"""

import re
import secrets
from hashlib import blake2b
from typing import Final

_KEY: Final = secrets.token_bytes(32)
_MARK: Final = re.compile(r"\[redacted:[0-9a-f]{8}\]|\*\*\*")
MARK_START: Final = "[redacted:"


def mark(secret: str | bytes) -> str:
    raw = secret if isinstance(secret, bytes) else secret.encode("utf-8", "surrogatepass")
    return f"[redacted:{blake2b(raw, digest_size=4, key=_KEY).hexdigest()}]"


def is_marked(text: str) -> bool:
    """True for a mark and for the stars of `settings.Secret`: neither is hidden a second time."""
    return _MARK.fullmatch(text) is not None
