"""The page about limits says what the code does."""

import ast
import importlib
import re
from datetime import timedelta

import pytest
from support.documents import rows, section
from support.source import ROOT, members

PAGE = "docs/limits.md"
_UNITS = {"KiB": 1024, "MiB": 1024 * 1024, "s": 1}
_FIELD = re.compile(r"`(\w+)`")
_CAPITAL = re.compile(r"(?<=[a-z])([A-Z])")
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


def test_the_fields_it_names_are_the_codes() -> None:
    said = [_FIELD.findall(row[0]) for row in rows(section(PAGE, "Which fields must fit each other"))]
    named = {_CAPITAL.sub(r"_\1", name).lower() for names in said for name in names}
    declared = {
        node.target.id
        for source in members()
        if source.name in {"settings", "schemas", "config"}
        for node in ast.walk(source.tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assert len(named) > 10
    assert named - declared == set()
