"""What a person sees of the programs' lines."""

import io
import json
import os
import stat
import time
from pathlib import Path

import pytest
from rich.console import Console

from astero_sandbox.output import Output, Terminal, render


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def shown(line: str) -> str | None:
    text = render(line)
    return None if text is None else text.plain


def test_a_pino_line_reads_as_a_sentence() -> None:
    line = {
        "level": 40,
        "time": 1_795_448_120_703,
        "pid": 7,
        "hostname": "h",
        "service": "api",
        "msg": "slow answer",
        "reqId": "r-1",
        "ms": 812,
    }
    assert shown(json.dumps(line)) == "15:35:20 warn  slow answer reqId=r-1 ms=812"


def test_an_error_brings_its_stack() -> None:
    line = {"level": 50, "time": 0, "msg": "failed", "err": {"type": "E", "stack": "Traceback\n  x"}}
    assert shown(json.dumps(line)) == "00:00:00 error failed\nTraceback\n  x"


@pytest.mark.parametrize(
    "line",
    [
        "[INFO] Starting granian",
        '{"level": "info", "msg": "another shape"}',
        '{"level": 30, "time": "now", "msg": "x"}',
        '{"level": true',
        "{",
    ],
)
def test_any_other_line_is_shown_as_it_is(line: str) -> None:
    assert shown(line) == line


def test_an_empty_line_is_not_shown() -> None:
    assert shown("") is None


def test_a_line_cannot_write_markup_or_move_the_cursor(tmp_path: Path) -> None:
    screen = io.StringIO()
    output = Output(tmp_path, Console(file=screen, force_terminal=True, color_system=None))
    output.line("api", "[bold]not bold[/bold] \x1b[2J")
    output.close()
    assert "[bold]not bold[/bold]" in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()


def test_the_file_has_every_line_and_the_screen_only_what_matters_of_a_database(tmp_path: Path) -> None:
    screen = io.StringIO()
    output = Output(tmp_path, Console(file=screen))
    lines = ["LOG:  checkpoint complete", "FATAL:  the disk is full"]
    for line in lines:
        output.line("postgres", line)
    output.close()
    assert (tmp_path / "postgres.log").read_text().splitlines() == lines
    assert screen.getvalue().splitlines() == ["postgres FATAL:  the disk is full"]


def test_a_closed_terminal_silences_the_screen_and_not_the_file(tmp_path: Path) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    output = Output(tmp_path, Terminal(file=Gone()))
    output.line("api", "one")
    output.line("api", "two")
    output.close()
    assert (tmp_path / "api.log").read_text() == "one\ntwo\n"


def test_log_files_are_not_for_everybody(tmp_path: Path) -> None:
    """Neither a new one, nor one of before, nor the one that follows a full one."""
    (tmp_path / "old.log").write_text("before\n", encoding="utf-8")
    (tmp_path / "old.log").chmod(0o666)
    output = Output(tmp_path, Console(file=io.StringIO()))
    umask = os.umask(0)
    try:
        output.line("old", "after")
        for _ in range(6):
            output.line("full", "x" * 1_000_000)
    finally:
        os.umask(umask)
        output.close()
    assert (tmp_path / "old.log").read_text(encoding="utf-8") == "before\nafter\n"
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("old.log", "full.log", "full.log.1"), 0o640)
