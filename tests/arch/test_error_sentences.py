"""What an error says stands once, in the catalogue: who raises it names the sentence and fills it in."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from support.source import Source, members

from astero_shared.i18n import LOCALES, catalogue

_BASE = "AsteroError"


class Raised(NamedTuple):
    place: str
    sentence: str
    params: frozenset[str]


def default_codes(found: Iterable[Source]) -> dict[str, str]:
    """Each kind of error with its code."""
    classes = [node for source in found for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)]
    codes: dict[str, str] = {}
    grown = True
    while grown:
        grown = False
        for node in classes:
            parents = [base.id for base in node.bases if isinstance(base, ast.Name)]
            if node.name in codes or not (node.name == _BASE or codes.keys() & set(parents)):
                continue
            own = [
                str(item.value.value)
                for item in node.body
                if isinstance(item, ast.Assign | ast.AnnAssign)
                and isinstance(item.value, ast.Constant)
                and "default_code" in ast.unparse(item).split("=")[0]
            ]
            codes[node.name] = own[0] if own else next(codes[parent] for parent in parents if parent in codes)
            grown = True
    return codes


def makings(tree: ast.Module, kinds: Mapping[str, str]) -> Iterator[tuple[str, ast.Call]]:
    """(kind, call) of each error made; of a kind that has arguments of its own, what it hands on."""
    own = {
        node.name: list(_handed_on(node))
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name in kinds and node.name != _BASE
    }
    for name, calls in own.items():
        yield from ((name, call) for call in calls)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in kinds and not own.get(name):
                yield name, node
            # A class raised as it is makes its error too.
            case ast.Raise(exc=ast.Name(id=name)) if name in kinds and not own.get(name):
                yield name, ast.Call(func=node.exc, args=[], keywords=[], lineno=node.lineno, col_offset=0)
            case _:
                pass


def _handed_on(kind: ast.ClassDef) -> Iterator[ast.Call]:
    for node in ast.walk(kind):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__")):
                yield node
            case _:
                pass


def raised(source: Source, kinds: Mapping[str, str]) -> Iterator[Raised]:
    """The sentences that errors made here will say; none where which one is decided at run time."""
    for name, call in makings(source.tree, kinds):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        named = given.get("sentence") or given.get("code") or ast.Constant(kinds[name])
        if isinstance(named, ast.Constant):
            params = given.get("params")
            names = (
                [ast.literal_eval(key) for key in params.keys if key] if isinstance(params, ast.Dict) else []
            )
            yield Raised(f"{source.path}:{call.lineno}", f"errors.{named.value}", frozenset(names))
    for node in ast.walk(source.tree):
        match node:
            # of settings: the place, the sentence, and what fills it in
            case ast.Call(
                func=ast.Name(id="OptionError" | "_refuse"),
                args=[_, ast.Constant(value=str(sentence))],
                keywords=keywords,
            ):
                names = frozenset(keyword.arg for keyword in keywords if keyword.arg)
                yield Raised(f"{source.path}:{node.lineno}", f"errors.{sentence}", names)
            case _:
                pass


def test_every_error_has_its_sentence_in_every_language() -> None:
    found = list(members())
    codes = default_codes(found)
    for one in (one for source in found for one in raised(source, codes)):
        for locale in LOCALES:
            entry = catalogue(locale).get(one.sentence)
            assert entry is not None, f"{one.place}: {one.sentence} ({locale})"
            assert entry.params == one.params, f"{one.place}: {one.sentence} ({locale})"


def test_planted_errors_are_caught() -> None:
    planted = Source(
        "x.py",
        "class AsteroError(Exception):\n    default_code = 'internal'\n"
        "class GoneError(AsteroError):\n    default_code = 'gone'\n"
        "class LongGoneError(GoneError): pass\n"
        "class OddError(GoneError):\n    def __init__(self, x): super().__init__(code='odd')\n"
        "raise OddError(7)\n"
        "raise GoneError(code=chosen)\n"
        "raise LongGoneError\n"
        "raise GoneError(code='a.b', params={'n': 1})\n"
        "raise GoneError(code='a.b', sentence='a.c')\n"
        "raise OptionError(('x',), 'a.d', max=1)\n",
    )
    codes = default_codes([planted])
    assert codes == {
        "AsteroError": "internal",
        "GoneError": "gone",
        "LongGoneError": "gone",
        "OddError": "gone",
    }
    assert {(one.sentence, one.params) for one in raised(planted, codes)} == {
        ("errors.gone", frozenset()),
        ("errors.a.b", frozenset({"n"})),
        ("errors.a.c", frozenset()),
        ("errors.odd", frozenset()),
        ("errors.a.d", frozenset({"max"})),
    }
