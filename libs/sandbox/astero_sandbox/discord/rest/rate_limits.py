"""Rate limits as Discord keeps them: per bucket and major parameter, 50/s a token, invalid requests an IP.

Discord does not publish bucket sizes; those on the routes are what bots observe today.
"""

import hashlib
import math
import time
from dataclasses import dataclass
from typing import Final

GLOBAL_PER_SECOND: Final = 50
INVALID_PER_WINDOW: Final = 10_000
INVALID_WINDOW: Final = 600.0
_PRUNE_AT: Final = 20_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """`limit` calls in `seconds`, counted apart for each channel, guild or webhook."""

    name: str
    limit: int
    seconds: float

    @property
    def hash(self) -> str:
        return hashlib.blake2s(self.name.encode(), digest_size=16).hexdigest()


@dataclass(slots=True)
class Window:
    used: int
    ends_at: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """`retry_after` set means refused."""

    limit: int
    remaining: int
    reset_at: float
    bucket: str
    retry_after: float | None = None
    is_global: bool = False

    def headers(self) -> dict[str, str]:
        now = time.time()
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": f"{self.reset_at:.3f}",
            "X-RateLimit-Reset-After": f"{max(0.0, self.reset_at - now):.3f}",
            "X-RateLimit-Bucket": self.bucket,
        }
        if self.retry_after is not None:
            headers["Retry-After"] = str(math.ceil(self.retry_after))
            headers["X-RateLimit-Scope"] = "global" if self.is_global else "user"
            if self.is_global:
                headers["X-RateLimit-Global"] = "true"
        return headers


class RateLimits:
    def __init__(self, *, enforce: bool) -> None:
        self._enforce = enforce
        self._windows: dict[tuple[object, ...], Window] = {}
        self._invalid: dict[str, Window] = {}

    def take(self, *, caller: object, bucket: Bucket, major: str, counts_globally: bool) -> Verdict:
        """Count one call. A refused one costs nothing of the bucket."""
        now = time.time()
        if counts_globally and self._enforce:
            total = self._window((caller, "global"), 1.0, now)
            if total.used >= GLOBAL_PER_SECOND:
                return Verdict(
                    limit=GLOBAL_PER_SECOND,
                    remaining=0,
                    reset_at=total.ends_at,
                    bucket=bucket.hash,
                    retry_after=total.ends_at - now,
                    is_global=True,
                )
            total.used += 1
        window = self._window((caller, bucket.name, major), bucket.seconds, now)
        refused = self._enforce and window.used >= bucket.limit
        if not refused:
            window.used += 1
        return Verdict(
            limit=bucket.limit,
            remaining=max(0, bucket.limit - window.used),
            reset_at=window.ends_at,
            bucket=bucket.hash,
            retry_after=window.ends_at - now if refused else None,
        )

    def count_invalid(self, ip: str) -> None:
        """401, 403 and 429 (but `shared`) add up; 10,000 in ten minutes ban the address."""
        now = time.time()
        window = self._invalid.get(ip)
        if window is None or window.ends_at <= now:
            window = self._invalid[ip] = Window(used=0, ends_at=now + INVALID_WINDOW)
        window.used += 1

    def is_banned(self, ip: str) -> bool:
        window = self._invalid.get(ip)
        return (
            self._enforce
            and window is not None
            and window.ends_at > time.time()
            and window.used >= INVALID_PER_WINDOW
        )

    def invalid_requests(self) -> dict[str, int]:
        now = time.time()
        return {ip: window.used for ip, window in self._invalid.items() if window.ends_at > now}

    def forgive(self) -> None:
        """Forget every window and every invalid request."""
        self._windows.clear()
        self._invalid.clear()

    def _window(self, key: tuple[object, ...], seconds: float, now: float) -> Window:
        window = self._windows.get(key)
        if window is None or window.ends_at <= now:
            if len(self._windows) > _PRUNE_AT:
                self._windows = {k: v for k, v in self._windows.items() if v.ends_at > now}
            window = self._windows[key] = Window(used=0, ends_at=now + seconds)
        return window
