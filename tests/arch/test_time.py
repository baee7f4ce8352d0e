"""One clock: aware UTC from `astero_shared.clock`, so that no naive time reaches a row."""

import ast
from collections.abc import Iterator

from support.source import Source, members

CLOCK = "libs/shared/astero_shared/clock.py"
_OWN_CLOCKS = {"now", "utcnow", "today", "utcfromtimestamp"}
_MODULES = {"datetime", "date", "dt"}


def own_clocks(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in _OWN_CLOCKS:
                last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                if last in _MODULES:
                    yield f"{source.path}:{node.lineno}"
            case _:
                pass


def test_nobody_reads_the_time_but_the_clock() -> None:
    assert [place for s in members() if s.path != CLOCK for place in own_clocks(s)] == []


def test_planted_clocks_are_caught() -> None:
    planted = (
        "a = datetime.now()\nb = dt.datetime.now(dt.UTC)\nc = date.today()\nd = datetime.datetime.utcnow()\n"
    )
    assert len(list(own_clocks(Source("x.py", planted)))) == 4
    assert list(own_clocks(Source("x.py", "utc_now()\nclock.now()\n"))) == []
