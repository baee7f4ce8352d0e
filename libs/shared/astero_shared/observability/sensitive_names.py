"""Decides by its name whether a field holds a secret: any case, any separator, camelCase or not.

The security page promises `password`, `token`, `authorization`, `discordToken`, `telegramToken` and
every name with `secret` in it; the rest is what logins, OAuth, Discord and payments call theirs.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

# Found anywhere in the squeezed name. No measure excuses these: `secret_count` is hidden too.
_ALWAYS: Final = ("secret", "password", "passwd", "passphrase", "privatekey")
# Found anywhere, unless the name is about a measure of the thing (`token_count`, `session_expires_at`).
_USUALLY: Final = (
    "token",
    "authorization",
    "cookie",
    "apikey",
    "accesskey",
    "signingkey",
    "encryptionkey",
    "authkey",
    "credential",
    "codeverifier",
    "session",
    "signature",
    "recoverycode",
    "backupcode",
    "otpauth",
    "webhookurl",
    "clientassertion",
    "cardnumber",
    "hostastero",  # our cookies
)
# Too short to look for inside words (`footprint` holds "otp"): the name or one of its words is this.
_WORDS: Final = frozenset({"otp", "totp", "hotp", "seed", "pwd", "jwt", "cvc", "cvv", "iban"})
# The whole name, or its last word (`is_private` is a boolean and booleans are shown anyway).
_LAST: Final = frozenset({"private", "auth", "dsn", "creds"})
# `token_type`, `signature_algorithm`, `session_start_limit`: an operator needs these and they open nothing.
_MEASURES: Final = frozenset({
    "age", "alg", "algorithm", "at", "count", "expiry", "length", "limit", "remaining", "seconds",
    "size", "total", "ttl", "type", "used", "version",
})  # fmt: skip
_BOUNDS: Final = frozenset({"max", "min"})
# A number under these counts things: `completion_tokens: 512`.
_COUNTED: Final = frozenset({"tokens", "sessions", "cookies", "credentials", "signatures"})

# Running text in lower case without any of these holds no sensitive name: the cheap question first.
TRACES: Final = re.compile(
    "pass|token|secret|cookie|auth|session|key|cred|sign|otp|seed|pwd|jwt|verifier|code|webhook"
    "|assertion|card|astero|private|dsn|cvc|cvv|iban"
)

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NOT_ALNUM: Final = re.compile(r"[^a-z0-9]+")
_HALF_NAME: Final = 64


def is_sensitive(name: str) -> bool:
    """Whether the value under `name` must not be seen. Full-width and other look-alike letters count."""
    return _is_sensitive(_short(name))


def counts_things(name: str) -> bool:
    """Whether a number under this sensitive name is a quantity (`prompt_tokens`) and may be shown."""
    return _counts_things(_short(name))


def _short(name: str) -> str:
    # Names may come from a client: what the cache holds stays small.
    return name if len(name) <= 2 * _HALF_NAME else name[:_HALF_NAME] + name[-_HALF_NAME:]


@lru_cache(maxsize=8192)
def _is_sensitive(name: str) -> bool:
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
    squeezed = _NOT_ALNUM.sub("", name.lower())
    if any(stem in squeezed for stem in _ALWAYS):
        return True
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return False
    if words[-1] in _LAST or not _WORDS.isdisjoint(words) or squeezed in _WORDS:
        return True
    if any(stem in squeezed for stem in _USUALLY):
        return words[-1] not in _MEASURES and words[0] not in _BOUNDS
    return False


@lru_cache(maxsize=1024)
def _counts_things(name: str) -> bool:
    words = _WORD.findall(name)
    return bool(words) and words[-1].lower() in _COUNTED
