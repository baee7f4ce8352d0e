"""Describes an exception without its locals: type, message, frames, causes.

A database driver's message repeats the values of the row it refused, so only the error's class,
SQLSTATE and the names it carries are told for those that do.
"""

import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final

MAX_CAUSES: Final = 8
_MAX_FRAMES: Final = 40  # per exception: a recursion of a thousand frames says no more than its ends
_HEAD_FRAMES: Final = 10
_DATABASE_MODULES: Final = ("psycopg", "sqlalchemy")
# SQLSTATE classes 22 (data) and 23 (integrity) quote the offending value in their primary message.
_QUOTING_CLASSES: Final = ("22", "23")


def type_of(error: BaseException) -> str:
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def message_of(error: BaseException) -> str:
    """What the exception says, before redaction; never row values for a database error."""
    try:
        if any(base.__module__.partition(".")[0] in _DATABASE_MODULES for base in type(error).__mro__):
            return _database_message(error)
        text = str(error)
        notes = getattr(error, "__notes__", ())
        return "\n".join((text, *map(str, notes))) if notes else text
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        return "[cut:unreadable]"


def stack_of(error: BaseException, traceback_: TracebackType | None = None) -> str:
    """Type, message and frames of the exception and of what caused it, innermost cause last."""
    lines: list[str] = []
    for relation, cause in _chain(error):
        lines.append(f"{relation}{type_of(cause)}: {message_of(cause)}")
        start = traceback_ if cause is error and traceback_ else cause.__traceback__
        lines += _frames(start)
    return "\n".join(lines)


def _database_message(error: BaseException) -> str:
    driver: Any = getattr(error, "orig", None) or error
    diagnosis = getattr(driver, "diag", None)
    sqlstate = getattr(driver, "sqlstate", None)
    if not sqlstate or diagnosis is None:
        # No answer from the server: a connection problem, or a misuse of the library.
        first = driver.args[0] if driver.args else ""
        return first if isinstance(first, str) else type(driver).__name__
    parts = [f"sqlstate {sqlstate}"]
    parts += [
        f"{label} {name}"
        for label in ("constraint", "table", "column")
        if (name := getattr(diagnosis, f"{label}_name", None))
    ]
    if sqlstate[:2] not in _QUOTING_CLASSES and diagnosis.message_primary:
        parts.append(diagnosis.message_primary)
    return ", ".join(parts)


def _chain(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    seen: set[int] = set()
    waiting: list[tuple[str, BaseException]] = [("", error)]
    while waiting and len(seen) < MAX_CAUSES:
        relation, current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield relation, current
        if isinstance(current, BaseExceptionGroup):
            waiting += [("in the group: ", member) for member in current.exceptions[:MAX_CAUSES]]
        if current.__cause__ is not None:
            waiting.append(("caused by: ", current.__cause__))
        elif current.__context__ is not None and not current.__suppress_context__:
            waiting.append(("while handling: ", current.__context__))


def _frames(start: TracebackType | None) -> list[str]:
    # Only the code's position is read: no locals, no source lines.
    lines = [
        f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}'
        for frame, line in traceback.walk_tb(start)
    ]
    if len(lines) <= _MAX_FRAMES:
        return lines
    left_out = len(lines) - _MAX_FRAMES
    return [*lines[:_HEAD_FRAMES], f"  … {left_out} frames …", *lines[_HEAD_FRAMES - _MAX_FRAMES :]]
