"""Durations as moderators write them, and as everybody reads them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astero_bot_engine.interactions.durations import parse_duration, say_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90", 5400),
        ("45s", 45),
        ("30m", 1800),
        ("2h30m", 9000),
        ("2h 30m", 9000),
        (" 7D ", 604800),
        ("7j", 604800),
        ("1w2d", 777600),
    ],
)
def test_what_is_understood(written: str, seconds: int) -> None:
    assert parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize("written", ["", "0", "0m", "soon", "5x", "-5m", "1.5h", "٣m", "5m soon", "9" * 50])
def test_what_is_not(written: str) -> None:
    assert parse_duration(written) is None


@given(st.text(max_size=60))
def test_no_text_breaks_it(written: str) -> None:
    parsed = parse_duration(written)
    assert parsed is None or parsed > timedelta(0)


@pytest.mark.parametrize(
    ("seconds", "english", "french"),
    [
        (1, "1 second", "1 seconde"),
        (60, "1 minute", "1 minute"),
        (5400, "1 hour 30 minutes", "1 heure 30 minutes"),
        (90061, "1 day 1 hour", "1 jour 1 heure"),
    ],
)
def test_what_is_said(seconds: int, english: str, french: str) -> None:
    assert say_duration(seconds, "en") == english
    assert say_duration(seconds, "fr") == french
