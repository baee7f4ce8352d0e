"""The schedule, what answers mean, and when an endpoint is given up, to the second."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astero_shared.features.webhooks.rules import (
    DELAYS,
    Attempt,
    DisabledReason,
    Outcome,
    next_attempt_at,
    outcome_of,
    reason_to_disable,
    wait_asked_for,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FAILED = Attempt(outcome=Outcome.REFUSED, latency=timedelta(0), status=500)


def test_the_schedule_is_the_specifications() -> None:
    waits = [next_attempt_at(n, now=NOW, spread=0) for n in range(1, 11)]
    minutes = [None if at is None else (at - NOW) / timedelta(minutes=1) for at in waits]
    assert minutes == [5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440, None]
    assert timedelta(hours=75) < sum(DELAYS, timedelta()) < timedelta(hours=76)


@given(st.integers(1, 9), st.floats(-1, 1))
def test_attempts_spread_by_a_tenth_at_most(attempts: int, spread: float) -> None:
    at = next_attempt_at(attempts, now=NOW, spread=spread)
    assert at is not None
    assert DELAYS[attempts] * 0.8999 <= at - NOW <= DELAYS[attempts] * 1.1001


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        (None, timedelta(seconds=5)),
        (timedelta(seconds=2), timedelta(seconds=5)),
        (timedelta(hours=1), timedelta(hours=1)),
        (timedelta(days=30), timedelta(days=1)),
    ],
)
def test_a_consumer_may_ask_for_longer_and_not_for_shorter(
    asked: timedelta | None, waited: timedelta
) -> None:
    assert next_attempt_at(1, now=NOW, spread=0, retry_after=asked) == NOW + waited


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(0)),
        (format_datetime(NOW + timedelta(minutes=3), usegmt=True), timedelta(minutes=3)),
        (format_datetime(NOW - timedelta(minutes=3), usegmt=True), timedelta(0)),
        *((text, None) for text in ("", "-5", "1.5", "soon", "١٢", "9" * 400, "Sun, 01 Mar 2026 12:00:00")),
        ("Sun, 99 Mar 2026 12:00:00 GMT", None),
        (f"Sun, 01 Mar {'9' * 20} 12:00:00 GMT", None),
        (f"Sun, 01 Mar 2026 {'9' * 20}:00:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, wait: timedelta | None) -> None:
    assert wait_asked_for(503, header, now=NOW) == wait
    assert wait_asked_for(429, header, now=NOW) == wait
    assert wait_asked_for(500, header, now=NOW) is None


@given(st.text(max_size=60))
def test_no_retry_after_breaks_anything(header: str) -> None:
    wait = wait_asked_for(503, header, now=NOW)
    assert next_attempt_at(1, now=NOW, spread=0, retry_after=wait) is not None


def test_only_2xx_accepts() -> None:
    meanings = {status: outcome_of(status) for status in range(100, 600)}
    assert {status for status, it in meanings.items() if it is Outcome.DELIVERED} == set(range(200, 300))
    assert {status for status, it in meanings.items() if it is Outcome.GONE} == {410}


def test_when_an_endpoint_is_given_up() -> None:
    gone = Attempt(outcome=Outcome.GONE, latency=timedelta(0), status=410)
    blocked = Attempt(outcome=Outcome.BLOCKED, latency=timedelta(0))
    assert reason_to_disable(gone, is_last=False, blocked_attempts=0) is DisabledReason.GONE
    assert reason_to_disable(FAILED, is_last=False, blocked_attempts=0) is None
    assert reason_to_disable(FAILED, is_last=True, blocked_attempts=0) is DisabledReason.FAILING
    assert reason_to_disable(blocked, is_last=False, blocked_attempts=2) is None
    assert reason_to_disable(blocked, is_last=False, blocked_attempts=3) is DisabledReason.BLOCKED


def test_slow_is_trouble_too() -> None:
    def delivered(seconds: float) -> Attempt:
        return Attempt(outcome=Outcome.DELIVERED, latency=timedelta(seconds=seconds), status=200)

    assert not delivered(2).is_troubling
    assert delivered(2.1).is_troubling
    assert FAILED.is_troubling
