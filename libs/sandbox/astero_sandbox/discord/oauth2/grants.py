"""Codes and tokens people granted to applications. A code works once, for ten minutes at most."""

import secrets
import time
from dataclasses import dataclass
from typing import Final

CODE_SECONDS: Final = 600.0
ACCESS_SECONDS: Final = 604_800


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    application_id: int
    user_id: int
    scopes: frozenset[str]
    redirect_uri: str
    challenge: str | None
    expires_at: float
    guild_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One pair of tokens."""

    application_id: int
    user_id: int
    scopes: frozenset[str]
    access_token: str
    refresh_token: str
    expires_at: float


class Grants:
    def __init__(self) -> None:
        self._codes: dict[str, Code] = {}
        self._by_access: dict[str, Grant] = {}
        self._by_refresh: dict[str, Grant] = {}

    def issue_code(self, code: Code) -> str:
        name = secrets.token_urlsafe(22)
        self._codes[name] = code
        return name

    def take_code(self, name: str) -> Code | None:
        code = self._codes.pop(name, None)
        return code if code is not None and code.expires_at > time.time() else None

    def issue(self, *, application_id: int, user_id: int, scopes: frozenset[str]) -> Grant:
        grant = Grant(
            application_id=application_id,
            user_id=user_id,
            scopes=scopes,
            access_token=secrets.token_urlsafe(22),
            refresh_token=secrets.token_urlsafe(22),
            expires_at=time.time() + ACCESS_SECONDS,
        )
        self._by_access[grant.access_token] = grant
        self._by_refresh[grant.refresh_token] = grant
        return grant

    def find_access(self, token: str) -> Grant | None:
        grant = self._by_access.get(token)
        return grant if grant is not None and grant.expires_at > time.time() else None

    def take_refresh(self, token: str, *, application_id: int) -> Grant | None:
        """Using a refresh token ends the pair it belongs to; a stranger's is left alone."""
        grant = self._by_refresh.get(token)
        if grant is None or grant.application_id != application_id:
            return None
        self.revoke(token, application_id=application_id)
        return grant

    def revoke(self, token: str, *, application_id: int) -> None:
        """Either token of the pair ends both; a stranger's token is left alone."""
        grant = self._by_access.get(token) or self._by_refresh.get(token)
        if grant is not None and grant.application_id == application_id:
            self._by_access.pop(grant.access_token, None)
            self._by_refresh.pop(grant.refresh_token, None)

    def revoke_all(self, user_id: int) -> None:
        for grant in [grant for grant in self._by_refresh.values() if grant.user_id == user_id]:
            self.revoke(grant.refresh_token, application_id=grant.application_id)


def expires_in(seconds: float) -> float:
    return time.time() + seconds
