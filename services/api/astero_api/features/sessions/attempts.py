"""Guesses at one account are counted wherever they come from, and slow down strangers, never its owner.

Ten failures in 15 minutes or fifty in a day, and who has never signed in to the account from their address
is told to wait; docs/adr/0007 says why nobody is locked out. Two hundred a minute over all accounts raise an
alert.
"""

import hmac
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_api.web.batched_script import BatchedScript
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.db.session import reading
from astero_shared.errors import TooManyRequestsError, UnauthenticatedError, UnavailableError
from astero_shared.features.accounts.rules import email_key
from astero_shared.features.sessions.store import list_addresses
from astero_shared.networks import bucket_of
from astero_shared.settings import SecretRing

_SCRIPT: Final = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
_PREFIX: Final = "api:login:"
_SITE: Final = (f"{_PREFIX}failed", f"{_PREFIX}flood-told")
_MICROSECONDS: Final = 1_000_000
_WINDOWS: Final = f"10 {900 * _MICROSECONDS} 50 {86_400 * _MICROSECONDS}"
FLOOD: Final = 200
"""Failures in a minute, over all accounts and addresses."""


_WELCOME_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class _Attempt:
    keys: tuple[str, ...]
    id: str
    wait: float


class LoginAttempts:
    """One per process. Redis knows an account by an HMAC of its address, under a key of this service."""

    def __init__(self, redis: Redis, secrets: SecretRing) -> None:
        self._redis = redis
        self._script = BatchedScript(redis, _SCRIPT)
        self._key = hmac.digest(secrets.current.encode(), b"astero.login-attempts.v1", "sha256")

    @asynccontextmanager
    async def counted(self, *, unit: UnitOfWork, email: str, address: str) -> AsyncGenerator[None]:
        """Around the check of a password: one try, which counts as failed before it is made.

        So of any number that race no more than the limit are made; one that succeeds, or was never carried
        out, is taken back. Raises TooManyRequestsError `auth.account_slowed`, alike for accounts that do not
        exist, or UnavailableError.
        """
        attempt = await self._begin(email, address)
        if attempt.wait > 0 and not await _has_been_here(unit.engine, email, address):
            raise TooManyRequestsError(code="auth.account_slowed", retry_after=math.ceil(attempt.wait))
        try:
            yield
        except BaseException as error:
            if not isinstance(error, UnauthenticatedError):
                await self._forgive(attempt)
            raise
        # not before: the transaction holds the user's row, and nothing outside is asked meanwhile
        unit.after_commit(lambda: self._forgive(attempt))

    async def welcome(self, *, email: str, address: str) -> None:
        """Whoever reads the account's mail there is no stranger there, for an hour, to log in."""
        try:
            await self._redis.set(self._keys_of(email, address)[-1], "1", ex=_WELCOME_SECONDS)
        except (RedisError, OSError) as error:
            logger.warning("a proved address may have to wait: {}", type(error).__name__)

    def _keys_of(self, email: str, address: str) -> tuple[str, ...]:
        named = hmac.new(self._key, email_key(email).encode(), sha256).hexdigest()
        return (f"{_PREFIX}account:{named}", *_SITE, f"{_PREFIX}welcome:{named}:{bucket_of(address)}")

    async def _begin(self, email: str, address: str) -> _Attempt:
        keys, attempt = self._keys_of(email, address), token_urlsafe(9)
        try:
            answer = await self._script.run(keys, f"begin {attempt} {_WINDOWS} {FLOOD}")
        except (RedisError, OSError):
            raise UnavailableError(sentence="auth.not_now", retry_after=5) from None
        wait, tell = answer.split()
        if tell == b"1":
            logger.error("auth.login.flood", failures=FLOOD, seconds=60)
        return _Attempt(keys, attempt, int(wait) / _MICROSECONDS)

    async def _forgive(self, attempt: _Attempt) -> None:
        try:
            await self._script.run(attempt.keys, f"forgive {attempt.id}")
        except (RedisError, OSError) as error:
            # it stays counted: nobody who knows the password is kept out for one failure too many
            logger.warning("a login stays counted as failed: {}", type(error).__name__)


async def _has_been_here(engine: AsyncEngine, email: str, address: str) -> bool:
    """Whether this address has signed in to the account in the last weeks, whatever became of the session."""
    async with reading(engine) as session:
        addresses = await list_addresses(session, email_key(email))
    return bucket_of(address) in {bucket_of(known) for known in addresses}
