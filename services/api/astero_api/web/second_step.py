"""Between the first factor and the second: a token of its own kind in a cookie of its own.

It opens no other route, and names a row of PostgreSQL which counts the attempts and ends them.
"""

from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from astero_api.web.signed_token import Claims, SignedTokens, Tell, tell_nobody
from astero_shared.settings import SecretRing

LIFETIME_SECONDS: Final = 300


class _Claims(Claims, frozen=True, forbid_unknown_fields=True):
    lid: UUID


@dataclass(frozen=True, slots=True)
class SecondStep:
    """Whose login waits for a second factor, as a valid token says. Whether it still does, its row says."""

    user_id: UUID
    login_id: UUID


@dataclass(frozen=True, slots=True)
class SecondStepDue:
    """A first factor was right. `token` goes into the cookie, `methods` is what may follow."""

    token: str = field(repr=False)
    methods: tuple[Literal["totp", "recovery_code", "passkey"], ...]


class SecondStepTokens:
    """Writes and reads them; see SignedTokens for what is no token."""

    def __init__(self, secrets: SecretRing) -> None:
        self._signed = SignedTokens(secrets, typ="mfa+jwt", claims=_Claims, seconds=LIFETIME_SECONDS)

    def issue(self, step: SecondStep) -> str:
        return self._signed.sign(subject=step.user_id, lid=str(step.login_id))

    def read(self, token: str, tell: Tell = tell_nobody) -> SecondStep | None:
        """None for every kind of wrong."""
        claims = self._signed.read(token, tell)
        return None if claims is None else SecondStep(user_id=claims.sub, login_id=claims.lid)
