"""Waiting grows, is jittered and forgets old trouble; resuming is given up in time."""

import random

from astero_bot_engine.gateway.backoff import MAX_RESUMES, Backoff


def delays(*, failures: int) -> list[float]:
    rngs = (random.Random(seed) for seed in range(200))  # noqa: S311 - the same in every run
    return [Backoff(rng=rng, failures=failures).next_delay() for rng in rngs]


def test_delays_grow_up_to_half_a_minute_and_are_spread() -> None:
    first, late = delays(failures=0), delays(failures=10)

    assert 0.9 < max(first) <= 1
    assert 28 < max(late) <= 30
    assert min(late) < 5, "full jitter: some come back early"
    assert 4 < max(delays(failures=3)) <= 8


def test_a_long_connection_makes_the_next_trouble_a_new_one() -> None:
    backoff = Backoff(failures=9)
    backoff.settled(31)
    assert backoff.next_delay() <= 1


def test_a_line_that_comes_up_and_breaks_at_once_waits_seconds_and_not_longer() -> None:
    backoff = Backoff()
    for _ in range(20):
        backoff.settled(1)
        assert backoff.next_delay() <= 8
    assert backoff.failures > 0


def test_resuming_is_given_up_after_three_attempts_and_allowed_again_after_success() -> None:
    backoff = Backoff()
    assert [backoff.may_resume() for _ in range(MAX_RESUMES + 1)] == [True] * MAX_RESUMES + [False]
    backoff.settled(5)
    assert backoff.may_resume()
