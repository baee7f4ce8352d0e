"""docs/logging.md tells of every security event and every error there is, and of none that is not."""

import ast
import re
from collections.abc import Iterator
from typing import get_args

from support.documents import rows, section
from support.source import Source, members

from astero_shared.observability.security_events import SecurityEventName

_CODE = re.compile(r"`([^`]+)`")
_TOLD = {"error", "critical", "exception"}


def listed(heading: str) -> set[str]:
    """What the first column of a section's table names."""
    return {name for row in rows(section("docs/logging.md", heading)) for name in _CODE.findall(row[0])}


def errors(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        message = node.args[0]
        if node.func.attr in _TOLD and "logger" in ast.unparse(node.func.value):
            assert isinstance(message, ast.Constant), f"{source.path}:{node.lineno}"
            yield str(message.value)


def test_the_page_lists_every_security_event_and_no_other() -> None:
    assert listed("Security events") == set(get_args(SecurityEventName))


def test_the_page_lists_every_error_and_no_other() -> None:
    services = [source for source in members() if source.path.startswith(("services/", "libs/shared/"))]
    assert listed("Errors") == {message for source in services for message in errors(source)}


def test_who_signs_in_passes_the_one_place_that_writes_it_down() -> None:
    """tests/integration/api/test_refusal_lines.py shows the line of each way in that failed."""
    doors = {
        (source.path, function.name): ast.unparse(function)
        for source in members()
        for function in ast.walk(source.tree)
        if isinstance(function, ast.AsyncFunctionDef) and "await insert_session(" in ast.unparse(function)
    }
    assert list(doors) == [("services/api/astero_api/features/sessions/service.py", "start_session")]
    (door,) = doors.values()
    assert "AuditAction.SESSION_STARTED" in door


def test_every_security_event_is_told_somewhere() -> None:
    told = {
        node.value
        for source in members()
        if source.name != "security_events"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(get_args(SecurityEventName)) - told == set()
