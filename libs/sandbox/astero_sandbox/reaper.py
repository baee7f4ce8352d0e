"""Ends a stack whose owner died without being able to: `kill -9`, a crash, a closed terminal.

Runs as its own process and reads a pipe that only the owner holds open. When the pipe closes,
everything on the list gets its stop signal, then SIGKILL. PR_SET_PDEATHSIG would depend on which
thread started a child and ends with Linux.
"""

import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal

import msgspec

from astero_sandbox.processes import Mark, end_all

_PATIENCE_SECONDS = 6.0


class Order(msgspec.Struct, frozen=True):
    verb: Literal["watch", "forget", "remove"]
    mark: Mark | None = None
    folder: str | None = None


class Reaper:
    """The owner's end. Thread-safe; `close()` after everything has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Its own session: Ctrl-C in the terminal is for the owner, who ends things in order.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "astero_sandbox.reaper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def watch(self, mark: Mark) -> None:
        self._send(Order("watch", mark=mark))

    def forget(self, mark: Mark) -> None:
        self._send(Order("forget", mark=mark))

    def remove_afterwards(self, folder: Path) -> None:
        """A temporary folder that goes when the owner goes, however it goes."""
        self._send(Order("remove", folder=str(folder)))

    def close(self) -> None:
        with self._lock:
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._process.wait()

    def _send(self, order: Order) -> None:
        with self._lock:
            if self._process.stdin is None or self._process.stdin.closed:
                return
            try:
                self._process.stdin.write(msgspec.json.encode(order) + b"\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                # Somebody ended the reaper. Pid files still let the next start clean up.
                return


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched: dict[int, Mark] = {}
    folders: list[str] = []
    for line in sys.stdin.buffer:
        match msgspec.json.decode(line, type=Order):
            case Order(verb="watch", mark=Mark() as mark):
                watched[mark.pid] = mark
            case Order(verb="forget", mark=Mark() as mark):
                watched.pop(mark.pid, None)
            case Order(folder=str(folder)):
                folders.append(folder)
            case _:
                pass
    # The last started depends on the first: same order as an ordinary end.
    end_all(reversed(watched.values()), patience_seconds=_PATIENCE_SECONDS)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
