"""Tokens we sign: JWT, HS256, strict in every header and claim; anything off is no token.

The header must be byte for byte the one we write, so no algorithm, key address or critical extension of a
client's choosing is ever read. Each kind of token has its own type and its own derived key.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from astero_shared.ids import new_id
from astero_shared.settings import SecretRing

AUDIENCE: Final = "wize-api"
ISSUER: Final = "astero"
_LEEWAY_SECONDS: Final = 5
_MAX_BYTES: Final = 4096
_REMEMBERED: Final = 4096
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}")


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every kind says; a kind adds its own. Times are in seconds since 1970."""

    iss: str
    aud: str
    sub: UUID
    iat: int
    nbf: int
    exp: int
    jti: UUID


C = TypeVar("C", bound=Claims)
Tell = Callable[[str], object]
"""Takes one word for what is wrong with a token that no honest browser sends: it is made, or altered."""


def tell_nobody(_reason: str) -> None:
    """For a reader whom the reason does not concern."""


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str
    key: OctKey


def _derive(secret: str, typ: str) -> _Key:
    info = f"astero.{typ}.v1".encode()
    raw = HKDF(SHA256(), length=40, salt=None, info=info).derive(secret.encode())
    return _Key(kid=raw[32:].hex(), key=OctKey.import_key(raw[:32]))


class SignedTokens(Generic[C]):
    """One kind of token. Issues with the current secret, accepts the previous one too."""

    def __init__(self, secrets: SecretRing, *, typ: str, claims: type[C], seconds: int) -> None:
        """`seconds` is how long one lives; a longer one is not accepted either."""
        self._typ = typ
        self._claims = claims
        self._seconds = seconds
        keys = [_derive(secret, typ) for secret in secrets.reveal_all()]
        self._current = keys[0]
        self._verified: dict[bytes, C] = {}
        self._by_header = {self._header_segment(key): key for key in keys}

    def _header(self, key: _Key) -> dict[str, Any]:
        return {"alg": "HS256", "typ": self._typ, "kid": key.kid}

    def _header_segment(self, key: _Key) -> str:
        return jwt.encode(self._header(key), {}, key.key).split(".")[0]

    def sign(self, *, subject: UUID, **own: Any) -> str:
        """`own` are the claims of this kind, as JSON has them."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(subject),
            "iat": now,
            "nbf": now,
            "exp": now + self._seconds,
            "jti": str(new_id()),
            **own,
        }
        return jwt.encode(self._header(self._current), claims, self._current.key)

    def read(self, token: str, tell: Tell = tell_nobody) -> C | None:
        """None for every kind of wrong; being too old is nothing to tell of."""
        if len(token) > _MAX_BYTES:
            tell("size")
            return None
        # Whether the signature holds does not change while the key stands: a client's many requests with one
        # token pay for it once. Kept by digest, so that the cache holds nothing that signs anybody in.
        digest = sha256(token.encode("latin-1", "replace")).digest()
        claims = self._verified.get(digest)
        if claims is None:
            claims = self._verify(token)
            if isinstance(claims, str):
                tell(claims)
                return None
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[digest] = claims
        now = time.time()
        if claims.iat > now + _LEEWAY_SECONDS or claims.nbf > now + _LEEWAY_SECONDS:
            tell("future")
            return None
        return None if claims.exp <= now - _LEEWAY_SECONDS else claims

    def _verify(self, token: str) -> C | str:
        """What never changes of a token: its form, its signature, whom it is for, how long it was to live.

        A word for what is wrong with it otherwise.
        """
        if _TOKEN.fullmatch(token) is None:
            return "form"
        key = self._by_header.get(token.partition(".")[0])
        if key is None:
            return "header"
        try:
            decoded = jwt.decode(token, key.key, algorithms=["HS256"])
        except (JoseError, ValueError):
            return "signature"
        try:
            claims = msgspec.convert(decoded.claims, self._claims)
        except ValueError:
            return "claims"
        if claims.aud != AUDIENCE or claims.iss != ISSUER or not 0 < claims.exp - claims.iat <= self._seconds:
            return "claims"
        return claims
