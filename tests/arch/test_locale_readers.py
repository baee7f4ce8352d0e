"""No sentence is kept that nobody reads."""

import ast
import re
from collections.abc import Iterable, Iterator

from support.source import Source, members

from astero_shared.features.modules.catalog import MODULES
from astero_shared.i18n import catalogue

# Filled in from outside our string literals, so only the form of the key is compared.
_FILLED_FROM_ELSEWHERE = {
    r"errors\.titles\.(.+)": "the status is a number",
}


def literals(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.keyword(arg=str(name)):
                yield name
            case _:
                pass


def templates(tree: ast.Module) -> Iterator[str]:
    """Each f-string that could be a key, as a pattern with a group for each hole."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            first = node.values[0]
            if isinstance(first, ast.Constant) and "." in str(first.value):
                yield "".join(
                    re.escape(str(part.value)) if isinstance(part, ast.Constant) else "(.+)"
                    for part in node.values
                )


def unread(keys: Iterable[str], found: Iterable[Source]) -> list[str]:
    trees = [source.tree for source in found]
    written = {text for tree in trees for text in literals(tree)}
    patterns = {pattern for tree in trees for pattern in templates(tree)}
    # What fills a hole is a literal, the end of one, or built in turn, as `cases.missing_x` is.
    fillings = written | {text.partition(".")[2] for text in written}
    ends = {pattern.partition(r"\.")[2] for pattern in patterns}
    # An end that is all hole would fit anything.
    made = {part for part in ends | patterns if part and not part.startswith("(")}
    return [key for key in keys if key not in written and not _fits(key, patterns, fillings, made)]


def _fits(key: str, patterns: set[str], fillings: set[str], made: set[str]) -> bool:
    for pattern in patterns:
        match = re.fullmatch(pattern, key)
        if match is not None and (
            pattern in _FILLED_FROM_ELSEWHERE
            or all(part in fillings or _fits(part, made, fillings, set()) for part in match.groups())
        ):
            return True
    return False


def test_every_sentence_has_a_reader() -> None:
    beside = tuple(f"config.{module}." for module in MODULES)
    keys = sorted(key for key in catalogue("en") if not key.startswith(beside))
    assert len(keys) > 100
    assert unread(keys, members()) == []


def test_a_planted_sentence_without_reader_is_caught() -> None:
    source = Source("x.py", 'text("a.b")\ntext(f"c.{x}")\nx = ["d"]\nraise Refused("c.e")\n')
    assert unread(["a.b", "c.d", "c.e", "c.f", "g.h"], [source]) == ["c.f", "g.h"]
