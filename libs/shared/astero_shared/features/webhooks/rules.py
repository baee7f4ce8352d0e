"""When a message is tried again, what an answer means, and when an endpoint is given up. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Final

MAX_WEBHOOKS: Final = 10
"""Endpoints of one server."""
MAX_SECRETS: Final = 3
"""That sign at once: the one in force and those replaced a moment ago."""
ROTATION: Final = timedelta(hours=24)
KEPT: Final = timedelta(days=30)
MAX_BLOCKED: Final = 3
MAX_ANSWER: Final = 1024
"""Characters of an answer that its endpoint's owner is shown."""

# From the specification: how long after the attempt before. The last comes after a bit more than three days.
DELAYS: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
JITTER: Final = 0.1
_LONGEST_WAIT: Final = DELAYS[-1]
_SLOW: Final = timedelta(seconds=2)
_SECONDS: Final = re.compile(r"[0-9]{1,9}")


class Outcome(StrEnum):
    """How an attempt ended. `disabled`: given up untried, with its endpoint. `unsigned`: the stored secret
    cannot be opened, a new one is needed.
    """

    DELIVERED = "delivered"
    REFUSED = "refused"
    GONE = "gone"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TOO_LARGE = "too_large"
    BLOCKED = "blocked"
    DISABLED = "disabled"
    UNSIGNED = "unsigned"


class DisabledReason(StrEnum):
    BY_HAND = "by_hand"
    GONE = "gone"
    FAILING = "failing"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call and its answer; `retry_after` is the wait that the consumer asked for."""

    outcome: Outcome
    latency: timedelta
    status: int | None = None
    answer: str | None = None
    retry_after: timedelta | None = None

    @property
    def is_delivered(self) -> bool:
        return self.outcome is Outcome.DELIVERED

    @property
    def is_troubling(self) -> bool:
        """Failed or slow: such endpoints must not take the lanes of the others."""
        return not self.is_delivered or self.latency > _SLOW


UNSIGNED: Final = Attempt(outcome=Outcome.UNSIGNED, latency=timedelta(0))


def outcome_of(status: int) -> Outcome:
    """Only 2xx is an acceptance; a redirect is none, wherever it leads."""
    if status == HTTPStatus.GONE:
        return Outcome.GONE
    return Outcome.DELIVERED if 200 <= status < 300 else Outcome.REFUSED  # noqa: PLR2004


def next_attempt_at(
    attempts: int, *, now: datetime, spread: float, retry_after: timedelta | None = None
) -> datetime | None:
    """After `attempts` failed ones; None when that was the last. `spread` is from -1 to 1.

    A consumer may ask for a longer wait, up to a day, and not for a shorter one.
    """
    if attempts >= len(DELAYS):
        return None
    delay = DELAYS[attempts] * (1 + JITTER * spread)
    return now + max(delay, min(retry_after or timedelta(0), _LONGEST_WAIT))


def wait_asked_for(status: int, retry_after: str | None, *, now: datetime) -> timedelta | None:
    """Retry-After of a 429 or 503: seconds, or a date (RFC 9110, 10.2.3); what is neither is absent."""
    if status not in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE} or not retry_after:
        return None
    if _SECONDS.fullmatch(retry_after):
        return timedelta(seconds=int(retry_after))
    try:
        at = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    # a date without a zone is none of HTTP's
    return None if at.tzinfo is None else max(at - now, timedelta(0))


def reason_to_disable(attempt: Attempt, *, is_last: bool, blocked_attempts: int) -> DisabledReason | None:
    """After a failure. `blocked_attempts` in a row, this one included; `is_last`: no further try."""
    if attempt.outcome is Outcome.GONE:
        return DisabledReason.GONE
    if blocked_attempts >= MAX_BLOCKED:
        return DisabledReason.BLOCKED
    return DisabledReason.FAILING if is_last else None
