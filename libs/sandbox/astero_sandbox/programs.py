"""What is started: a command with exactly the environment written here, in a session of its own."""

import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from astero_sandbox.processes import signal_group
from astero_sandbox.readiness import InterruptedStartError

_LOOK_SECONDS = 0.2


class Stage(IntEnum):
    """Each needs the ones before it, so they end in reverse."""

    DATABASE = 1
    THIRD_PARTY = 2
    SERVICE = 3


@dataclass(frozen=True, kw_only=True)
class RunAs:
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """Inherits no environment. After `stop_signal` it has `stop_seconds`, then it is killed."""

    name: str
    command: tuple[str, ...]
    stage: Stage
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    directory: Path = Path("/")
    run_as: RunAs | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 5.0

    def spawn(self) -> subprocess.Popen[bytes]:
        """Stdout and stderr in one pipe. A terminal's Ctrl-C does not reach it: we end things in order."""
        return subprocess.Popen(  # noqa: S603 - commands are written in this package
            self.command,
            env=dict(self.environment),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=None if self.run_as is None else self.run_as.uid,
            group=None if self.run_as is None else self.run_as.gid,
            extra_groups=None if self.run_as is None else [],
        )

    def run_to_end(self, stopping: threading.Event) -> tuple[int, str]:
        """(exit code, what it printed). Once `stopping` is set: kills it, raises InterruptedStartError."""
        with self.spawn() as process:
            while True:
                try:
                    printed, _ = process.communicate(timeout=_LOOK_SECONDS)
                except subprocess.TimeoutExpired:
                    if stopping.is_set():
                        signal_group(process.pid, signal.SIGKILL)
                        raise InterruptedStartError from None
                else:
                    return process.returncode, printed.decode(errors="replace")
