"""Turns one loguru record into one JSON line of pino's form, redacted and at most 16 KiB.

The line is ASCII, so no byte of it can move a terminal's cursor or start another line. When
anything fails on the way, only the event's name and the place in the code are written.
"""

import json
import os
import re
import socket
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from importlib.metadata import version
from typing import Any, Final

import msgspec

from astero_shared.observability.failures import message_of, stack_of, type_of
from astero_shared.observability.redaction import MAX_TEXT, redact, redact_text
from astero_shared.observability.security_events import FIELD, SecurityEvent

VERSION: Final = version("astero-shared")
MAX_LINE: Final = 16 * 1024  # bytes, without the newline
_SHORTER: Final = (4096, 1024, 256, 64)
_MAX_MESSAGE: Final = 8 * 1024
_MAX_FACT: Final = 512
_MAX_FIELDS_KEPT: Final = 16

request_id: Final[ContextVar[str | None]] = ContextVar("astero_request_id", default=None)
# what the request was, told with its errors: `method`, `url` without its query, `user` once that is known
request_facts: Final[ContextVar[dict[str, str] | None]] = ContextVar("astero_request_facts", default=None)

Report = Callable[[dict[str, Any], Any], None]
"""Takes the redacted fields of an error's line and its exception triple or None."""

# pino's numbers for loguru's names
_PINO_LEVELS: Final[Mapping[str, int]] = {
    "TRACE": 10,
    "DEBUG": 20,
    "INFO": 30,
    "SUCCESS": 30,
    "WARNING": 40,
    "ERROR": 50,
    "CRITICAL": 60,
}
_RESERVED: Final = frozenset({
    "level", "time", "pid", "hostname", "service", "version", "reqId", "msg", "err",
})  # fmt: skip
_EVENT_NAME: Final = re.compile(r"[a-z_]{1,40}(?:\.[a-z_]{1,40}){1,4}")
_ERROR: Final = 40  # loguru's number
_rendering: Final = threading.local()
_reports: Final[list[Report]] = []


def report_errors_to(report: Report | None) -> None:
    """From now on `report` also gets what is written at level error and above; None ends it."""
    _reports[:] = [] if report is None else [report]


class LineWriter:
    """Renders the records of one service. Used as loguru's patcher: what sinks see is already clean."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._hostname = socket.gethostname()

    def __call__(self, record: dict[str, Any]) -> None:
        """Replace the record's message by the finished line and take everything else out of it."""
        try:
            line = self._line(record)
        except Exception:  # noqa: BLE001 - a line must never take its caller down, nor show what failed
            line = self._bare_line(record)
        record["message"] = line
        record["exception"] = None
        record["extra"] = {}

    def _line(self, record: dict[str, Any]) -> str:
        fields = self._head(record)
        fields["msg"] = redact_text(record["message"], _MAX_MESSAGE)
        if getattr(_rendering, "busy", False):
            # A repr that logs while it is being logged: without its own fields the recursion ends here.
            return _encode(fields)
        _rendering.busy = True
        try:
            if record["exception"] is not None:
                fields["err"] = _error(record["exception"])
            told = {name: value for name, value in record["extra"].items() if name != FIELD}
            if told:
                for name, value in redact(told).items():
                    if name == "reqId" and fields.get("reqId") == value:
                        continue
                    fields[f"{name}_" if name in _RESERVED or name in fields else name] = value
            is_error = record["level"].no >= _ERROR
            if is_error or "event" in fields:
                self._add_facts(fields)
            if is_error:
                self._report(fields, record["exception"])
        finally:
            _rendering.busy = False
        line = _encode(fields)
        return line if len(line) <= MAX_LINE else _shorten(fields)

    @staticmethod
    def _add_facts(fields: dict[str, Any]) -> None:
        for name, fact in (request_facts.get() or {}).items():
            fields.setdefault(name, redact_text(fact, _MAX_FACT))

    @staticmethod
    def _report(fields: dict[str, Any], exception: Any) -> None:
        for report in _reports:
            try:
                report(fields, exception)
            except Exception as error:  # noqa: BLE001 - a report must not cost the line it tells of
                fields["unreported"] = type(error).__name__

    def _head(self, record: dict[str, Any]) -> dict[str, Any]:
        level = record["level"]
        head: dict[str, Any] = {
            "level": _PINO_LEVELS.get(level.name, level.no),
            "time": int(record["time"].timestamp() * 1000),
        }
        marked = record["extra"].get(FIELD)
        if isinstance(marked, SecurityEvent):
            # before everything else: what reads it is anchored here
            head["event"] = marked.event
            if marked.ip is not None:
                head["ip"] = marked.ip
        head |= {"pid": os.getpid(), "hostname": self._hostname, "service": self._service, "version": VERSION}
        # A line written after its request's context ended may bring the id itself.
        current = record["extra"].get("reqId") or request_id.get()
        if isinstance(current, str):
            head["reqId"] = redact_text(current, 64)
        return head

    def _bare_line(self, record: dict[str, Any]) -> str:
        fields = self._head({**record})
        message = record["message"]
        named = isinstance(message, str) and _EVENT_NAME.fullmatch(message)
        fields["msg"] = message if named else "log.redaction_failed"
        fields["at"] = f"{record['name']}:{record['function']}:{record['line']}"
        return _encode(fields)


def _error(exception: Any) -> dict[str, str]:
    type_, error, traceback = exception
    if error is None:
        return {"type": getattr(type_, "__name__", "unknown"), "message": "", "stack": ""}
    return {
        "type": redact_text(type_of(error), 256),
        "message": redact_text(message_of(error), 4096),
        "stack": redact_text(stack_of(error, traceback), MAX_TEXT),
    }


def _encode(fields: dict[str, Any]) -> str:
    line = msgspec.json.encode(fields).decode()
    if not line.isascii():
        line = json.dumps(fields, ensure_ascii=True, separators=(",", ":"))
    return line.replace("\x7f", "\\u007f") if "\x7f" in line else line


def _shorten(fields: dict[str, Any]) -> str:
    """Cut ever more of each text, then whole fields: the head and the message always remain."""
    for limit in _SHORTER:
        fields = {name: _shorter(value, limit) for name, value in fields.items()}
        line = _encode({**fields, "cut": True})
        if len(line) <= MAX_LINE:
            return line
    kept = dict(list(fields.items())[:_MAX_FIELDS_KEPT])
    flat = {name: value if _is_leaf(value) else "[cut:size]" for name, value in kept.items()}
    return _encode({**flat, "cut": True})


def _shorter(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= limit else f"{value[: limit - 10]}[cut:text]"
    if isinstance(value, list):
        return [_shorter(item, limit) for item in value[:limit]]
    if isinstance(value, dict):
        return {name: _shorter(item, limit) for name, item in list(value.items())[:limit]}
    return value


def _is_leaf(value: Any) -> bool:
    return not isinstance(value, list | dict)
