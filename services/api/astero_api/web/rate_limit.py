"""Bans and four tiers (global, address, user, route) decided by one Lua call, which charges all or none.

Without Redis nobody is banned, ordinary routes go on under a bucket in this process, and sign-in routes
answer 503: a limit that guards passwords fails closed.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from loguru import logger
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from astero_api.web.batched_script import BatchedScript
from astero_api.web.limits import RouteLimit, Tiers
from astero_shared.errors import ForbiddenError, TooManyRequestsError, UnavailableError
from astero_shared.features.bans.rules import keys_of_client

_SCRIPT: Final = (Path(__file__).parent / "rate_limit.lua").read_text(encoding="utf-8")
_PREFIX: Final = "api:limit:"
_EVERYONE: Final = f"{_PREFIX}all"
_MICROSECONDS: Final = 1_000_000
_REDIS_SECONDS: Final = 0.5
_PAUSE_SECONDS: Final = 1.0
_LOCAL_KEYS: Final = 10_000
_BANNED: Final = [b"banned"]

Headers = list[tuple[bytes, bytes]]


def connect(url: str) -> Redis:
    """A client that gives up within half a second; its one retry replaces a socket a restart left dead."""
    return Redis.from_url(
        url,
        socket_timeout=_REDIS_SECONDS,
        socket_connect_timeout=_REDIS_SECONDS,
        retry=Retry(NoBackoff(), 1),
        max_connections=64,
    )


class _Plan:
    """The tiers a kind of request meets, with what is sent and advertised for them, made once."""

    def __init__(self, tiers: Tiers, limit: RouteLimit, *, signed_in: bool) -> None:
        shared = (tiers.everyone, tiers.address, *((tiers.user,) if signed_in else ()))
        own = limit.tiers(signed_in=signed_in)
        self.tiers = tuple(replace(tier, capacity=tier.capacity * tiers.factor) for tier in (*shared, *own))
        self.costs = (limit.cost,) * len(shared) + (1,) * len(own)
        self.argument = " ".join(
            f"{'w' if tier.strict else 'g'} {tier.capacity} {tier.seconds * _MICROSECONDS} {cost}"
            for tier, cost in zip(self.tiers, self.costs, strict=True)
        )
        # the first tier is the whole site's: how busy others are is nobody's business
        self.policy = ", ".join(
            f'"{tier.name}";q={tier.capacity};w={tier.seconds}' for tier in self.tiers[1:]
        ).encode()

    def state(self, answer: list[bytes]) -> bytes:
        """The RateLimit header for what the script said."""
        return b", ".join(
            b'"%b";r=%b;t=%d' % (tier.name.encode(), remaining, -(-int(reset) // _MICROSECONDS))
            for tier, remaining, reset in zip(self.tiers[1:], answer[4::2], answer[5::2], strict=True)
        )


class _LocalBuckets:
    """GCRA in this process, for the minutes without Redis; the least recently used keys are forgotten."""

    def __init__(self, share: int) -> None:
        self._share = share
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait_of(self, keys: Sequence[str], plan: _Plan) -> float:
        """Seconds until this request would pass; 0.0 when it passes now and has been charged."""
        now = time.monotonic()
        writes: list[tuple[str, float]] = []
        for key, tier, cost in zip(keys, plan.tiers, plan.costs, strict=True):
            step = tier.seconds * self._share * cost / tier.capacity
            full_at = max(self._full_at.get(key, 0.0), now) + step
            over = full_at - now - max(tier.seconds, step)
            if over > 0:
                return over
            writes.append((key, full_at))
        for key, full_at in writes:
            self._full_at[key] = full_at
            self._full_at.move_to_end(key)
        while len(self._full_at) > _LOCAL_KEYS:
            self._full_at.popitem(last=False)
        return 0.0


class RateLimiter:
    """One per process. `workers` is how many processes share the limits while Redis is away."""

    def __init__(self, redis: Redis, *, tiers: Tiers, workers: int) -> None:
        self._script = BatchedScript(redis, _SCRIPT)
        self._tiers = tiers
        self._plans: dict[tuple[str, bool], _Plan] = {}
        self._local = _LocalBuckets(workers)
        self._paused_until = 0.0

    async def charge(self, *, address: str, user: str | None, limit: RouteLimit) -> Headers:
        """Count one request and answer its RateLimit headers. `address` is a bucket, see bucket_of.

        Raises LimitExceededError (429), which carries them too, BannedError (403), or UnavailableError (503).
        """
        plan = self._plan_of(limit, signed_in=user is not None)
        caller = address if user is None or limit.sign_in else user
        keys = [_EVERYONE, f"{_PREFIX}ip:{address}"]
        if user is not None:
            keys.append(f"{_PREFIX}user:{user}")
        by = {"caller": caller, "address": address, "user": user}
        keys += [f"{_PREFIX}{tier.name}:{by[tier.whose]}" for tier in limit.tiers(signed_in=user is not None)]
        answer = await self._ask(address, keys, plan)
        if answer is None:
            if limit.sign_in:
                raise UnavailableError(sentence="auth.not_now", retry_after=5)
            wait = self._local.wait_of(keys, plan)
            if wait > 0:
                raise LimitExceededError(wait, [])
            return []
        if answer == _BANNED:
            raise BannedError
        headers = [(b"ratelimit-policy", plan.policy), (b"ratelimit", plan.state(answer))]
        if answer[0] != b"0":
            raise LimitExceededError(int(answer[1]) / _MICROSECONDS, headers)
        return headers

    def _plan_of(self, limit: RouteLimit, *, signed_in: bool) -> _Plan:
        named = (limit.tier.name, signed_in)
        plan = self._plans.get(named)
        if plan is None:
            plan = self._plans[named] = _Plan(self._tiers, limit, signed_in=signed_in)
        return plan

    async def _ask(self, address: str, keys: list[str], plan: _Plan) -> list[bytes] | None:
        """The script's answer; None while Redis is away, which one request a second finds out."""
        if time.monotonic() < self._paused_until:
            return None
        try:
            bans = keys_of_client(address)
            answer = await self._script.run((*bans, *keys), f"{len(bans)} {plan.argument}")
        except (RedisError, OSError) as error:
            if self._paused_until == 0.0:
                logger.warning("rate limits are kept in this process: {}", type(error).__name__)
            self._paused_until = time.monotonic() + _PAUSE_SECONDS
            return None
        if self._paused_until:
            self._paused_until = 0.0
            logger.info("rate limits are back in Redis")
        return answer.split()


class LimitExceededError(TooManyRequestsError):
    """`headers` say which tier refused; `retry_after` is when the same request would pass."""

    def __init__(self, wait: float, headers: Headers) -> None:
        super().__init__(retry_after=max(1, math.ceil(wait)))
        self.headers = headers


class BannedError(ForbiddenError):
    """The operator has shut this address out; for how long is not said."""

    def __init__(self) -> None:
        super().__init__(code="auth.banned")
