"""What the programs print: every line into a file per program, the ones a person wants onto the terminal."""

import contextlib
import json
import logging
import os
import re
import threading
import time
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from typing_extensions import override

_FILE_BYTES = 5_000_000
_FILES_KEPT = 3
_FILE_MODE = 0o640
# pino's level numbers
_LEVELS = {
    10: ("trace", "dim"),
    20: ("debug", "dim"),
    30: ("info", "green"),
    40: ("warn", "yellow"),
    50: ("error", "red"),
    60: ("fatal", "bold red"),
}
_STYLES = ("cyan", "magenta", "blue", "bright_green", "bright_cyan", "bright_magenta", "yellow")
# Shown in columns of their own, or the same on every line.
_LEFT_OUT = {
    "level",
    "time",
    "pid",
    "hostname",
    "msg",
    "service",
    "version",
    "name",
    "logger",
    "v",
    "err",
    "stack",
}
# The databases talk a lot at start and end; the supervisor tells when one ends, their files have it all.
_ALARMING = {"postgres": ("WARNING:", "ERROR:", "FATAL:", "PANIC:"), "valkey": ("FATAL",)}
# PostgreSQL's FATAL to whoever knocks too early or stays too long.
_PASSING = ("is starting up", "is shutting down", "due to administrator command")
_LONGEST_FIELD = 120
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Terminal(Console):
    """Goes quiet when the terminal goes away, where rich would end the process and leave its children."""

    @override
    def on_broken_pipe(self) -> None:
        self.quiet = True
        with contextlib.suppress(OSError):
            # What is still buffered is flushed at exit; it must not fail once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


class _LogFile(RotatingFileHandler):
    """Readable by its owner and group and nobody else, whatever umask the process has."""

    @override
    def _open(self) -> TextIOWrapper:
        path = self.baseFilename
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _FILE_MODE)
        # One that was there before may be wider.
        os.fchmod(descriptor, _FILE_MODE)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding=self.encoding, errors=self.errors)


class Output:
    """Thread-safe."""

    def __init__(self, folder: Path, console: Console) -> None:
        self._folder = folder
        self._console = console
        self._files: dict[str, RotatingFileHandler] = {}
        self._lock = threading.Lock()
        self._styles: dict[str, str] = {}

    def line(self, name: str, line: str) -> None:
        self._write(name, line)
        shown = render(line)
        if shown is not None and _concerns_a_person(name, line):
            self._show(name, shown)

    def say(self, name: str, sentence: str) -> None:
        self._write(name, f"-- {sentence}")
        self._show(name, Text(sentence, style="bold yellow"))

    def close(self) -> None:
        with self._lock:
            for file in self._files.values():
                file.close()
            self._files.clear()

    def _write(self, name: str, line: str) -> None:
        with self._lock:
            file = self._files.get(name)
            if file is None:
                file = _LogFile(
                    self._folder / f"{name}.log",
                    maxBytes=_FILE_BYTES,
                    backupCount=_FILES_KEPT,
                    encoding="utf-8",
                    errors="backslashreplace",
                )
                self._files[name] = file
        file.handle(logging.makeLogRecord({"msg": "%s", "args": (line,)}))

    def _show(self, name: str, text: Text) -> None:
        style = self._styles.setdefault(name, _STYLES[len(self._styles) % len(_STYLES)])
        self._console.print(Text.assemble((f"{name:<9}", style), text), soft_wrap=True)


def _concerns_a_person(name: str, line: str) -> bool:
    alarming = _ALARMING.get(name)
    if alarming is None:
        return True
    return any(word in line for word in alarming) and not any(word in line for word in _PASSING)


def render(line: str) -> Text | None:
    """A pino line as `12:00:01 info  message key=value`, another line as it is, an empty one not at all."""
    if not line:
        return None
    text = _rendered(line)
    # A message may hold what somebody typed; it must not reach the terminal's escape codes.
    text.plain = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.plain)
    return text


def _rendered(line: str) -> Text:
    record = _record(line)
    if record is None:
        return Text(line)
    label, style = _LEVELS.get(record["level"], (str(record["level"]), ""))
    clock = time.strftime("%H:%M:%S", time.localtime(record["time"] / 1000))
    text = Text.assemble((clock, "dim"), " ", (f"{label:<5}", style), " ", str(record["msg"]))
    for key, value in record.items():
        if key not in _LEFT_OUT:
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            text.append(f" {key}={shown[:_LONGEST_FIELD]}", style="dim")
    error = record.get("err")
    if isinstance(error, dict):
        text.append(f"\n{error.get('stack') or error.get('message') or error}", style="red")
    return text


def _record(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        record: dict[str, Any] = json.loads(line)
        numbers = isinstance(record["level"], int) and isinstance(record["time"], int | float)
    except (ValueError, KeyError):
        return None
    return record if numbers and "msg" in record else None
