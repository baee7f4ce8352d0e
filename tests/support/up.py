"""`just up` in a test's hands."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

from astero_sandbox.place import remove_orphans
from astero_sandbox.ports import HIGHEST_OFFSET, is_free

_STAND_INS = (sys.executable, str(Path(__file__).with_name("up_with_stand_ins.py")))
_REAL = (sys.executable, "-m", "astero_sandbox.up")


class Up:
    """One `just up` in a session of its own, as a terminal gives it.

    Unless `real`, stand-ins take the services' places; `words` are told to them.
    """

    def __init__(self, folder: Path, *words: str, real: bool = False, **settings: str) -> None:
        self.home = folder / ".astero"
        self.log = folder / f"log-{secrets.token_hex(4)}"
        kept = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own script
                _REAL if real else (*_STAND_INS, *words),
                cwd=folder,
                env={**kept, **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def addresses(self) -> dict[str, str | None]:
        return json.loads((self.home / "up.json").read_bytes())

    def pid_of(self, name: str) -> int:
        return json.loads((self.home / "pids" / f"{name}.pid").read_bytes())["pid"]

    def wait_for(self, words: str, *, times: int = 1) -> None:
        def seen() -> bool:
            assert self.process.poll() is None or words in self.said, self.said
            return self.said.count(words) >= times

        until(seen)

    def wait_up(self) -> "Up":
        self.wait_for("Astero is up: http://localhost:")
        return self

    def everything(self) -> list[psutil.Process]:
        """Itself, its programs, what those started, and the reaper."""
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def interrupt(self) -> int:
        """Ctrl-C: to the whole group; answers the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait()


def until(condition: Callable[[], bool]) -> None:
    """The test's own time limit is the limit."""
    while not condition():
        time.sleep(0.02)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(_runs(process) for process in processes)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def free_base() -> int:
    """Of a range that is this xdist worker's own: several start at once, and none listens yet."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 7
    while True:
        base = 10_000 + 1000 * worker + secrets.randbelow(1000 - HIGHEST_OFFSET)
        if all(is_free(base + offset) for offset in range(HIGHEST_OFFSET + 1)):
            return base


Start = Callable[..., Up]


@contextmanager
def starter(folder: Path, *, real: bool = False) -> Generator[Start]:
    """Every Up made with it shares home and ports; whatever happens, nothing is left at the end."""
    made: list[Up] = []
    ports = {"ASTERO_PORT_BASE": str(free_base())}

    def start(*words: str, **more: str) -> Up:
        made.append(Up(folder, *words, real=real, **{**ports, **more}))
        return made[-1]

    # A name that breaks what forgets to quote.
    folder /= "my projects' folder"
    folder.mkdir()
    try:
        yield start
    finally:
        for up in made:
            if up.process.poll() is None:
                up.interrupt()
        shutil.rmtree(folder / ".astero", ignore_errors=True)
        remove_orphans()
