"""The map names every slice, the operator's page every variable, and neither one that does not exist."""

import re
from pathlib import PurePosixPath

import msgspec
import pytest
from support.source import ROOT, members

from astero_api.settings import ApiSettings
from astero_bot_engine.settings import EngineSettings
from astero_ops.settings import BanSettings, OperatorSettings

ARCHITECTURE = "docs/architecture.md"
OPERATIONS = "docs/operations.md"
_ROW = re.compile(r"^\| `([a-z_]+)` \|", re.MULTILINE)
_VARIABLE = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)


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


@pytest.mark.parametrize(
    ("heading", "settings"),
    [
        ("api and worker", ApiSettings),
        ("bot engine", EngineSettings),
        ("operator's command", OperatorSettings),
        ("shutting an address out", BanSettings),
    ],
)
def test_every_variable_of_a_process_is_explained(heading: str, settings: type[msgspec.Struct]) -> None:
    section = (ROOT / OPERATIONS).read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    assert set(_VARIABLE.findall(section)) == {
        field.name.upper() for field in msgspec.structs.fields(settings)
    }
