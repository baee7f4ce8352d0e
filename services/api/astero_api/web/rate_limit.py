"""Bans and four tiers (global, address, user, route) decided by one Lua call, which charges all or none.

Without Redis nobody is banned, ordinary routes go on under a bucket in this process and say so, and sign-in
routes answer 503: a limit that guards passwords fails closed. A Redis that is slow is one that is away.
"""

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from loguru import logger
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError  # noqa: A004 - of Redis, in this file

from astero_api.web.batched_script import BatchedScript
from astero_api.web.limits import RouteLimit, Tier, Tiers
from astero_shared.errors import ForbiddenError, TooManyRequestsError, UnavailableError
from astero_shared.features.bans.rules import keys_of_client

_SCRIPT: Final = (Path(__file__).parent / "rate_limit.lua").read_text(encoding="utf-8")
_PREFIX: Final = "api:limit:"
_EVERYONE: Final = f"{_PREFIX}all"
_MICROSECONDS: Final = 1_000_000
_REDIS_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 1.0
_LOCAL_KEYS: Final = 10_000
_SHADOW_SECONDS: Final = 60.0
_BANNED: Final = [b"banned"]

# beside every answer whose limits this process alone has counted
_DEGRADED: Final = (b"ratelimit-degraded", b"?1")

Headers = list[tuple[bytes, bytes]]


def connect(url: str) -> Redis:
    """A client that gives up within a second; its one retry replaces a socket a restart left dead.

    A server that does not answer is not asked twice.
    """
    return Redis.from_url(
        url,
        socket_timeout=_REDIS_SECONDS,
        socket_connect_timeout=_REDIS_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
        max_connections=64,
    )


class _Plan:
    """The tiers a kind of request meets, with what is sent and advertised for them, made once."""

    def __init__(self, tiers: Tiers, limit: RouteLimit, *, signed_in: bool) -> None:
        self.shared = () if limit.past_everyone else (tiers.everyone,)
        self.shared += (tiers.address, *((tiers.user,) if signed_in else ()))
        own = limit.tiers(signed_in=signed_in)
        self.tiers = tuple(tier.times(tiers.factor) for tier in (*self.shared, *own))
        self.costs = (limit.cost,) * len(self.shared) + (1,) * len(own)
        self.in_shadow = tuple(tier.name in tiers.shadow for tier in self.tiers)
        self._shadows = [
            (number, tier.name) for number, tier in enumerate(self.tiers) if self.in_shadow[number]
        ]
        self.argument = " ".join(
            _told(tier, cost, shadow=shadow)
            for tier, cost, shadow in zip(self.tiers, self.costs, self.in_shadow, strict=True)
        )
        # how busy others are is nobody's business, nor what is not in force
        self._shown = [
            (number, tier)
            for number, tier in enumerate(self.tiers)
            if not self.in_shadow[number] and tier.name != tiers.everyone.name
        ]
        self._policy = ", ".join(_policy(tier) for _, tier in self._shown).encode()

    def refused_in_shadow(self, answer: list[bytes]) -> list[str]:
        return [name for number, name in self._shadows if answer[2 + 2 * number] == b"-1"]

    def headers(self, answer: list[bytes]) -> Headers:
        """RateLimit-Policy and RateLimit for what the script said; of a refusal the tier that refused alone.

        So `t`, the seconds until there is more (draft-ietf-httpapi-ratelimit-headers-10), is never past
        Retry-After.
        """
        refused = int(answer[0])
        state = b", ".join(
            b'"%b";r=%b;t=%d' % (tier.name.encode(), answer[2 + 2 * number], _seconds(answer[3 + 2 * number]))
            for number, tier in self._shown
            if refused in {0, number + 1}
        )
        named = ((b"ratelimit-policy", self._policy), (b"ratelimit", state))
        return [(name, value) for name, value in named if value]


def _told(tier: Tier, cost: int, *, shadow: bool) -> str:
    kind, capacity, seconds = "w", tier.quota, float(tier.seconds)
    if not tier.strict:
        kind, capacity, seconds = "g", tier.at_once, tier.seconds * tier.at_once / tier.quota
    return f"{kind.upper() if shadow else kind} {capacity} {seconds * _MICROSECONDS:.0f} {cost}"


def _policy(tier: Tier) -> str:
    burst = "" if tier.burst is None else f";astero-burst={tier.burst}"
    return f'"{tier.name}";q={tier.quota};w={tier.seconds}{burst}'


def _seconds(microseconds: bytes) -> int:
    return -(-int(microseconds) // _MICROSECONDS)


class _LocalBuckets:
    """GCRA in this process, for the minutes without Redis; the least recently used keys are forgotten."""

    def __init__(self, share: int) -> None:
        self._share = share
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait_of(self, keys: Sequence[str], plan: _Plan) -> float:
        """Seconds until this request would pass; 0.0 when it passes now and has been charged."""
        now = time.monotonic()
        writes: list[tuple[str, float]] = []
        for key, tier, cost, shadow in zip(keys, plan.tiers, plan.costs, plan.in_shadow, strict=True):
            step = tier.seconds * self._share * cost / tier.quota
            full_at = max(self._full_at.get(key, 0.0), now) + step
            over = full_at - now - max(tier.seconds * tier.at_once / tier.quota, step)
            if over > 0 and not shadow:
                return over
            writes.append((key, full_at))
        for key, full_at in writes:
            self._full_at[key] = full_at
            self._full_at.move_to_end(key)
        while len(self._full_at) > _LOCAL_KEYS:
            self._full_at.popitem(last=False)
        return 0.0


class _Shadows:
    """Tells of each tier in shadow what it would have refused, at most once a minute."""

    def __init__(self) -> None:
        self._refused: Counter[str] = Counter()
        self._told_at: dict[str, float] = {}

    def count(self, tier: str) -> None:
        self._refused[tier] += 1
        now = time.monotonic()
        if now >= self._told_at.get(tier, 0.0) + _SHADOW_SECONDS:
            self._told_at[tier] = now
            logger.warning("limits.shadow", tier=tier, wouldRefuse=self._refused.pop(tier))


class RateLimiter:
    """One per process. `workers` is how many processes share the limits while Redis is away."""

    def __init__(self, redis: Redis, *, tiers: Tiers, workers: int) -> None:
        self._script = BatchedScript(redis, _SCRIPT)
        self._tiers = tiers
        self._plans: dict[tuple[str, bool], _Plan] = {}
        self._shadows = _Shadows()
        self._local = _LocalBuckets(workers)
        self._paused_until = 0.0
        self._decided_here: Counter[str] = Counter()

    async def charge(self, *, address: str, user: str | None, limit: RouteLimit, route: str = "") -> Headers:
        """Count one request and answer its RateLimit headers. `address` is a bucket, see bucket_of.

        `route` tells those apart that share a limit and count for themselves. Raises LimitExceededError
        (429), which carries the headers too, BannedError (403), or UnavailableError (503).
        """
        plan = self._plan_of(limit, signed_in=user is not None)
        caller = address if user is None or limit.sign_in else user
        by = {"caller": caller, "address": address, "user": user}
        keys = [] if limit.past_everyone else [_EVERYONE]
        keys.append(f"{_PREFIX}ip:{address}")
        if user is not None:
            keys.append(f"{_PREFIX}user:{user}")
        where = f"{route}:" if limit.each_route else ""
        keys += [
            f"{_PREFIX}{tier.name}:{where}{by[tier.whose]}"
            for tier in limit.tiers(signed_in=user is not None)
        ]
        answer = await self._ask(address, keys, plan)
        if answer is None:
            return self._decide_here(keys, plan, limit)
        if answer == _BANNED:
            raise BannedError
        for name in plan.refused_in_shadow(answer):
            self._shadows.count(name)
        headers = plan.headers(answer)
        if answer[0] != b"0":
            raise LimitExceededError(int(answer[1]) / _MICROSECONDS, headers)
        return headers

    def _plan_of(self, limit: RouteLimit, *, signed_in: bool) -> _Plan:
        named = (limit.tier.name, signed_in)
        plan = self._plans.get(named)
        if plan is None:
            plan = self._plans[named] = _Plan(self._tiers, limit, signed_in=signed_in)
        return plan

    def _decide_here(self, keys: list[str], plan: _Plan, limit: RouteLimit) -> Headers:
        if limit.sign_in:
            self._decided_here["closed"] += 1
            raise UnavailableError(sentence="auth.not_now", retry_after=5)
        wait = self._local.wait_of(keys, plan)
        self._decided_here["refused" if wait > 0 else "passed"] += 1
        if wait > 0:
            raise LimitExceededError(wait, [_DEGRADED])
        return [_DEGRADED]

    async def _ask(self, address: str, keys: list[str], plan: _Plan) -> list[bytes] | None:
        """The script's answer; None while Redis is away, which one request a second finds out."""
        now = time.monotonic()
        if now < self._paused_until:
            return None
        if self._paused_until:
            # the others go on meanwhile
            self._paused_until = now + _PAUSE_SECONDS
        bans = keys_of_client(address)
        try:
            answer = await self._script.run((*bans, *keys), f"{len(bans)} {plan.argument}")
        except (RedisError, OSError) as error:
            if not self._paused_until:
                logger.warning("limits.degraded", reason=type(error).__name__)
            self._paused_until = time.monotonic() + _PAUSE_SECONDS
            return None
        if self._paused_until:
            self._paused_until = 0.0
            logger.warning("limits.restored", **self._decided_here)
            self._decided_here.clear()
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
