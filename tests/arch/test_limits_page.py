"""The page about limits says what the code does."""

import importlib
from datetime import timedelta

import pytest
from support.documents import rows, section
from support.source import ROOT

PAGE = "docs/limits.md"
_UNITS = {"KiB": 1024, "MiB": 1024 * 1024, "s": 1}
_BOUNDS = [
    (name.strip("`"), bound)
    for _, bound, name, _ in rows((ROOT / PAGE).read_text().partition("## Which fields")[0])
]


@pytest.mark.parametrize(("name", "bound"), _BOUNDS)
def test_its_numbers_are_the_codes(name: str, bound: str) -> None:
    module, _, constant = name.rpartition(".")
    held = getattr(importlib.import_module(module), constant)
    number, _, unit = bound.partition(" ")
    told = int(number) * _UNITS.get(unit, 1)
    assert (held.total_seconds() if isinstance(held, timedelta) else held) == told


def test_it_lists_many_and_says_what_happens_beyond() -> None:
    assert len({name for name, _ in _BOUNDS}) == len(_BOUNDS) > 25
    assert len(rows(section(PAGE, "Which fields must fit each other"))) == 10
