"""Floods of refusals: a bounded number of lines, and a count of those that were not written."""

from astero_shared.observability.sparing import PER_ADDRESS, PER_EVENT, Sparing


class Clock:
    now = 120.0

    def __call__(self) -> float:
        return self.now


def test_an_address_gets_some_lines_a_minute_and_the_next_says_how_many_it_did_not() -> None:
    clock = Clock()
    sparing = Sparing(clock)
    admitted = [sparing.admit("csrf.refused", "203.0.113.9") for _ in range(PER_ADDRESS + 5)]
    assert admitted == [0] * PER_ADDRESS + [None] * 5
    assert sparing.admit("input.refused", "203.0.113.9") == 0, "another event has its own count"
    assert sparing.admit("csrf.refused", "203.0.113.10") == 5, "so has another address"
    clock.now += 60
    assert [sparing.admit("csrf.refused", "203.0.113.9") for _ in range(2)] == [0, 0]


def test_many_addresses_are_bounded_together() -> None:
    sparing = Sparing(Clock())
    lines = [sparing.admit("limit.refused", f"10.0.{n >> 8}.{n & 255}") for n in range(PER_EVENT + 50)]
    assert sum(line is not None for line in lines) == PER_EVENT
