"""Access tokens: who is signed in, in which session, how and when they proved it; ten minutes at most."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from astero_api.web.signed_token import Claims, SignedTokens, Tell, tell_nobody
from astero_shared.features.sessions.rules import Method
from astero_shared.settings import SecretRing

LIFETIME_SECONDS: Final = 600


class _Claims(Claims, frozen=True, forbid_unknown_fields=True):
    sid: UUID
    ver: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    auth_time: Annotated[int, Meta(gt=0)]
    amr: Annotated[tuple[Method, ...], Meta(min_length=1, max_length=8)]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a valid token says. Whether the session still stands is PostgreSQL's to say."""

    user_id: UUID
    session_id: UUID
    token_version: int
    authenticated_at: datetime
    amr: tuple[Method, ...]


class AccessTokens:
    """Writes and reads them; see SignedTokens for what is no token."""

    def __init__(self, secrets: SecretRing) -> None:
        self._signed = SignedTokens(secrets, typ="at+jwt", claims=_Claims, seconds=LIFETIME_SECONDS)

    def issue(
        self,
        *,
        user_id: UUID,
        session_id: UUID,
        token_version: int,
        authenticated_at: datetime,
        amr: tuple[Method, ...],
    ) -> str:
        return self._signed.sign(
            subject=user_id,
            sid=str(session_id),
            ver=token_version,
            auth_time=int(authenticated_at.timestamp()),
            amr=list(amr),
        )

    def read(self, token: str, tell: Tell = tell_nobody) -> AccessToken | None:
        """None for every kind of wrong."""
        claims = self._signed.read(token, tell)
        if claims is None:
            return None
        if claims.auth_time > claims.iat:
            tell("claims")
            return None
        return AccessToken(
            user_id=claims.sub,
            session_id=claims.sid,
            token_version=claims.ver,
            authenticated_at=datetime.fromtimestamp(claims.auth_time, UTC),
            amr=claims.amr,
        )
