"""Nothing in the repository points at one machine or one registry, or puts work off to another day."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.source import ROOT, tracked

_ITSELF = "tests/arch/test_tracked_text.py"  # it has to name what it looks for

_PLACES = re.compile(
    r"/(?:home|Users)/[a-z][\w.-]*/|(?<![\w.])/roo[t]/|/wor[k]/(?:main|shared)|[A-Z]:\\Users\\"
)
_REGISTRIES = re.compile(
    r"files\.python[h]osted|py[p]i\.(?:org|python)/simple|\bindex-url|find-links|registry\.np[m]",
    re.IGNORECASE,
)
_PUT_OFF = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|\bfor now\b|coming soon", re.ASCII)
_BINARY = {".png", ".jpg", ".gif", ".ico", ".woff2", ".gz", ".zip", ".br"}


def _texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        if Path(path).suffix not in _BINARY and path != _ITSELF:
            yield path, (ROOT / path).read_text()


def _found(pattern: re.Pattern[str]) -> list[str]:
    return [f"{path}: {match[0]}" for path, text in _texts() for match in pattern.finditer(text)]


def test_no_path_of_a_machine() -> None:
    assert _found(_PLACES) == []
    assert [path for path, text in _texts() if str(ROOT) in text and len(str(ROOT)) > 5] == []


def test_no_registry() -> None:
    assert _found(_REGISTRIES) == []


def test_nothing_is_put_off() -> None:
    assert _found(_PUT_OFF) == []


@pytest.mark.parametrize(
    ("pattern", "planted"),
    [
        (_PLACES, "open('/home/alex/x')"),
        (_PLACES, "cd /roo" + "t/astero"),
        (_REGISTRIES, "--extra-index-url https://x"),
        (_REGISTRIES, "https://files.python" + "hosted.org/x"),
        (_PUT_OFF, "# TODO later"),
        (_PUT_OFF, "disabled for now"),
    ],
)
def test_planted_text_is_caught(pattern: re.Pattern[str], planted: str) -> None:
    assert pattern.search(planted)
