"""What is started: a command with exactly the environment written here, in a session of its own."""

import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class RunAs:
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """Inherits no environment. After `stop_signal` it has `stop_seconds`, then it is killed."""

    name: str
    command: tuple[str, ...]
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
