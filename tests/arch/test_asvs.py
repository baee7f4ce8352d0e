"""Each ASVS requirement that applies has one row; nothing is called met without the test that shows it."""

import ast
import tomllib
from collections import Counter
from functools import cache
from typing import Any

import pytest
from support.source import ROOT, tracked

# Levels 1 and 2 of ASVS 5.0.0 but for what cannot apply, and three of an authorization server we keep too.
_SCOPE = """
1.1.1-2 1.2.1-5 1.2.9 1.3.1-3 1.3.5-7 1.3.10-11 1.4.2 1.5.2
2.1.1-3 2.2.1-3 2.3.1-4 2.4.1
3.2.1-2 3.3.1-4 3.4.1-6 3.5.1-5 3.7.2
4.1.1-3 4.2.1 4.4.1-4
6.1.1-3 6.2.1-12 6.3.1-4 6.4.1-4 6.5.1-5 6.6.2-3 6.8.1-2 6.8.4
7.1.1-3 7.2.1-4 7.3.1-2 7.4.1-5 7.5.1-2 7.6.1-2
8.1.1-2 8.2.1-3 8.3.1 8.4.1
9.1.1-3 9.2.1-4
10.1.1-2 10.2.1-2 10.4.5 10.4.8 10.4.9 10.5.1-4
11.1.1-2 11.2.1-3 11.3.1-3 11.4.1-4 11.5.1 11.6.1
12.1.1-3 12.2.1-2 12.3.1-4
13.1.1 13.2.1-5 13.3.1-2 13.4.1-5
14.1.1-2 14.2.1-4 14.3.1-3
15.1.1-3 15.2.1-3 15.3.1-7
16.1.1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3
"""
_FIELDS = {"id", "level", "claim", "says", "status", "test", "document", "reason"}


def in_scope() -> list[str]:
    found: list[str] = []
    for word in _SCOPE.split():
        section, _, numbers = word.rpartition(".")
        first, _, last = numbers.partition("-")
        found += [f"{section}.{number}" for number in range(int(first), int(last or first) + 1)]
    return found


@cache
def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def complaint(row: dict[str, Any]) -> str | None:
    """What is wrong with one row."""
    path, _, name = row.get("test", "").partition("::")
    if row.keys() - _FIELDS or row["level"] not in {1, 2} or not row["says"]:
        return "has another form"
    if row["status"] == "met":
        if path not in tracked() or name not in functions(path):
            return f"is met by {path}::{name}, which is not there"
        if "document" in row and row["document"] not in tracked():
            return f"is met by {row['document']}, which is not there"
        return "is met and excuses itself" if "reason" in row else None
    if row["status"] not in {"not-met", "n/a"}:
        return f"is {row['status']}"
    return None if len(row.get("reason", "")) > 5 and "test" not in row else "gives no reason, or a test"


def rows() -> list[dict[str, Any]]:
    return tomllib.loads((ROOT / "docs/asvs.toml").read_text())["requirement"]


def test_each_requirement_has_one_row() -> None:
    assert [row["id"] for row in rows()] == in_scope()
    assert len(in_scope()) == 202 + 3


def test_nothing_is_met_without_its_test_or_open_without_its_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert [f"{row['id']} {found}" for row in rows() if (found := complaint(row))] == []
    counts = Counter((row["status"], row["level"]) for row in rows())
    with capsys.disabled():
        lines = (f"level {level} {status}: {counts[status, level]}" for status, level in sorted(counts))
        print("\nASVS 5.0:", "; ".join(lines))  # noqa: T201 - the counts are what people ask for


def test_planted_rows_are_caught() -> None:
    good = {"id": "1.1.1", "level": 1, "claim": "C1.1", "says": "x", "status": "met"}
    this = "tests/arch/test_asvs.py::test_planted_rows_are_caught"
    assert complaint(good | {"test": this}) is None
    assert complaint(good | {"status": "n/a", "reason": "nothing like it"}) is None
    for wrong in (
        {}, {"test": this.replace("planted", "other")}, {"test": this.replace("asvs", "nothing")},
        {"test": this, "reason": "perhaps"}, {"test": this, "document": "docs/nowhere.md"},
        {"status": "not-met"}, {"status": "n/a", "reason": ""},
        {"status": "n/a", "reason": "because", "test": this},
        {"status": "mostly", "reason": "because"}, {"test": this, "level": 3}, {"test": this, "note": "x"},
    ):  # fmt: skip
        assert complaint(good | wrong) is not None, wrong
