"""The map names every slice that exists, and none that does not."""

import re
from pathlib import PurePosixPath

from support.source import ROOT, members

ARCHITECTURE = "docs/architecture.md"
_ROW = re.compile(r"^\| `([a-z_]+)` \|", re.MULTILINE)


def slices() -> set[str]:
    found: set[str] = set()
    for source in members():
        parts = PurePosixPath(source.path).parts
        if "features" in parts[:-2] and source.path.startswith(("libs/shared", "services")):
            found.add(parts[parts.index("features") + 1])
    return found


def listed(text: str) -> set[str]:
    section = text.partition("## The slices")[2].partition("\n## ")[0]
    return set(_ROW.findall(section))


def test_the_map_lists_every_slice() -> None:
    assert slices() - listed((ROOT / ARCHITECTURE).read_text()) == set()


def test_the_map_lists_nothing_that_is_gone() -> None:
    # `audit` is a slice without a features folder: every other slice writes through it.
    assert listed((ROOT / ARCHITECTURE).read_text()) - slices() - {"audit"} == set()


def test_a_planted_gap_is_caught() -> None:
    text = "## The slices\n\n| slice | what |\n|---|---|\n| `bots` | x |\n\n## Other\n\n| `cases` | y |\n"
    assert listed(text) == {"bots"}
    assert {"cases", "bots"} <= slices()
