"""The repository's own files, as the whole-codebase checks read them."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NOT_OURS = {".git", ".venv", ".astero", "__pycache__", ".pytest_cache", ".ruff_cache", ".hypothesis"}


@dataclass(frozen=True)
class Source:
    """One Python file: where it lies below the root, and what it says."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.text)

    @property
    def name(self) -> str:
        return Path(self.path).stem

    @property
    def lines(self) -> int:
        return self.text.count("\n")


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def tracked() -> tuple[str, ...]:
    """What git tracks; in a checkout without git, every file that is not made by a tool."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"],  # noqa: S607 - whatever git the developer has
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [
            path.relative_to(ROOT).as_posix()
            for path in ROOT.rglob("*")
            if path.is_file() and _NOT_OURS.isdisjoint(path.relative_to(ROOT).parts)
        ]
    return tuple(sorted(path for path in listed if path and (ROOT / path).is_file()))


def sources(*folders: str) -> Iterator[Source]:
    """The tracked Python files under `folders` (all of them without an argument)."""
    for path in tracked():
        if path.endswith(".py") and (not folders or path.startswith(tuple(f"{f}/" for f in folders))):
            yield Source(path, (ROOT / path).read_text())


def members() -> Iterator[Source]:
    """What runs: everything but the tests."""
    return sources("libs", "services", "deploy")
