"""A log line's message is a literal: what varies is a field, found by its name and redacted by it."""

import ast
from collections.abc import Iterator

from support.source import Source, members

_LEVELS = {"trace", "debug", "info", "success", "warning", "error", "critical", "exception"}


def templates_from_data(source: Source) -> Iterator[str]:
    """Messages that are not literals and would be run through str.format with arguments beside them."""
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in _LEVELS or not _is_logger(node.func.value) or not node.args:
            continue
        literal = isinstance(node.args[0], ast.Constant)
        if not literal and (len(node.args) > 1 or node.keywords):
            yield f"{source.path}:{node.lineno}"


def _is_logger(node: ast.expr) -> bool:
    while isinstance(node, ast.Call | ast.Attribute):
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and node.id in {"logger", "log", "_log"}


def prints(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield f"{source.path}:{node.lineno}"


def test_no_message_is_a_template_made_of_data() -> None:
    assert [place for source in members() for place in templates_from_data(source)] == []


def test_services_print_nothing_past_the_log() -> None:
    services = [s for s in members() if s.path.startswith(("services/", "libs/shared/"))]
    assert [place for source in services for place in prints(source)] == []


def test_planted_calls_are_caught() -> None:
    planted = 'logger.info(f"hello {name}", name=name)\nlogger.bind(a=1).error(text, 1)\nprint(1)\n'
    source = Source("x.py", planted)
    assert len(list(templates_from_data(source))) == 2
    assert len(list(prints(source))) == 1
    fine = 'logger.info("hello {}", name)\nlogger.info(text)\nother.info(text, 1)\n'
    assert list(templates_from_data(Source("x.py", fine))) == []
