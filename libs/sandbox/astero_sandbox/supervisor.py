"""Keeps programs running. One that dies is started again with growing pauses, one that refuses its
configuration (exit 78) stays down and is reported, all end in reverse order within their time limits.
"""

import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from astero_sandbox.processes import Mark, signal_group
from astero_sandbox.programs import Program
from astero_sandbox.reaper import Reaper

EXIT_BAD_CONFIGURATION = 78
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# Alive this long means that the last start was a good one.
STEADY_SECONDS = 60.0
_TAIL_LINES = 30


class Supervised:
    """One program. `kill()` is a crash: it comes back. `stop()` is a wish: down until `start()`."""

    def __init__(self, program: Program, supervisor: "Supervisor") -> None:
        self.program = program
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self.exits = 0
        self.refused = False
        self._supervisor = supervisor
        self._changed = threading.Condition()
        self._wanted = False
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int | None:
        with self._changed:
            return None if self._process is None else self._process.pid

    @property
    def is_running(self) -> bool:
        return self.pid is not None

    def start(self, program: Program | None = None) -> None:
        """`program` replaces the definition, for a start with other settings."""
        with self._changed:
            if self._wanted:
                return
            self.program = program or self.program
            self._wanted = True
            self.refused = False
            self.exits = 0
            self._thread = threading.Thread(
                target=self._keep_running, name=f"supervise-{self.name}", daemon=True
            )
            self._thread.start()

    def signal(self, number: int) -> None:
        """To the leader only, as the kernel's or an operator's `kill` would."""
        with self._changed:
            if self._process is not None:
                self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def stop(self) -> None:
        """Returns when it has ended. Harmless when it is down already."""
        self.ask_to_stop()
        self.wait_stopped()

    def ask_to_stop(self) -> None:
        with self._changed:
            self._wanted = False
            self._changed.notify_all()
            if self._process is not None:
                self._process.send_signal(self.program.stop_signal)

    def wait_stopped(self) -> None:
        """Kills it when its time is over."""
        with self._changed:
            thread = self._thread
            limit = self.program.stop_seconds
            if not self._changed.wait_for(lambda: self._process is None, timeout=limit):
                self._supervisor.say(self, f"did not end within {limit:g} s and is killed")
                self.kill_group()
        if thread is not None:
            thread.join()

    def wait_gone(self, pid: int | None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._process is None or self._process.pid != pid)

    def kill_group(self) -> None:
        """Takes no lock: somebody may hold it who waits for this end."""
        process = self._process
        if process is not None:
            signal_group(process.pid, signal.SIGKILL)

    def _keep_running(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            with self._changed:
                if not self._wanted:
                    return
                begun = time.monotonic()
                process = self._spawn()
            code = None if process is None else self._run(process)
            with self._changed:
                self._process = None
                self.exits += 1
                self._changed.notify_all()
                if not self._wanted:
                    return
                if code == EXIT_BAD_CONFIGURATION:
                    self._wanted = False
                    # Told before it can be seen: who waits for us must learn why first.
                    self._supervisor.refusal(self)
                    self.refused = True
                    return
                if time.monotonic() - begun >= STEADY_SECONDS:
                    pause = FIRST_PAUSE_SECONDS
                self._supervisor.say(self, f"{_told(code)}; started again in {pause:g} s")
                if self._changed.wait_for(lambda: not self._wanted, timeout=pause):
                    return
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        try:
            self._process = self.program.spawn()
        except OSError as error:
            self.tail.append(f"cannot start {self.program.command[0]}: {error.strerror}")
            self._supervisor.output(self, self.tail[-1])
            return None
        return self._process

    def _run(self, process: subprocess.Popen[bytes]) -> int:
        mark = Mark.of(process.pid, stop_signal=self.program.stop_signal)
        if mark is not None:
            self._supervisor.remember(self, mark)
        pump = threading.Thread(target=self._pump, args=(process,), daemon=True)
        pump.start()
        code = process.wait()
        # What it started must not outlive it: two generations of workers would share one port.
        signal_group(process.pid, signal.SIGKILL)
        pump.join(timeout=2)
        if mark is not None:
            self._supervisor.forget(self, mark)
        return code

    def _pump(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        with process.stdout as lines:
            for raw in lines:
                line = raw.decode(errors="replace").rstrip()
                self.tail.append(line)
                self._supervisor.output(self, line)


def _told(code: int | None) -> str:
    if code is None:
        return "could not be started"
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


class Supervisor:
    """Starts programs, and ends them stage by stage.

    `say` gets sentences about a program, `output` its lines, `on_refusal` the program that refused its
    configuration; all three are called from the program's threads.
    """

    def __init__(
        self,
        *,
        pid_folder: Path,
        say: Callable[[str, str], None],
        output: Callable[[str, str], None],
        on_refusal: Callable[[Supervised], None] = lambda _supervised: None,
    ) -> None:
        self._on_refusal = on_refusal
        self._pid_folder = pid_folder
        self._say = say
        self._output = output
        self._supervised: list[Supervised] = []
        self.reaper = Reaper()

    def add(self, program: Program) -> Supervised:
        supervised = Supervised(program, self)
        self._supervised.append(supervised)
        return supervised

    def start(self, program: Program) -> Supervised:
        supervised = self.add(program)
        supervised.start()
        return supervised

    def close(self) -> None:
        """Ends everything, stage by stage from the last: those of one stage end side by side."""
        for stage in sorted({one.program.stage for one in self._supervised}, reverse=True):
            together = [one for one in self._supervised if one.program.stage == stage]
            for supervised in together:
                supervised.ask_to_stop()
            for supervised in together:
                supervised.wait_stopped()
        self.reaper.close()

    def kill_everything(self) -> None:
        """For the impatient: whoever waits in `close` goes on at once."""
        for supervised in self._supervised:
            supervised.kill_group()

    def say(self, supervised: Supervised, sentence: str) -> None:
        self._say(supervised.name, sentence)

    def output(self, supervised: Supervised, line: str) -> None:
        self._output(supervised.name, line)

    def refusal(self, supervised: Supervised) -> None:
        self._say(supervised.name, "refused its configuration (exit code 78)")
        self._on_refusal(supervised)

    def remember(self, supervised: Supervised, mark: Mark) -> None:
        self.reaper.watch(mark)
        write_pid_file(self._pid_folder / f"{supervised.name}.pid", mark)

    def forget(self, supervised: Supervised, mark: Mark) -> None:
        self.reaper.forget(mark)
        (self._pid_folder / f"{supervised.name}.pid").unlink(missing_ok=True)


def write_pid_file(path: Path, mark: Mark) -> None:
    """Whole or not at all: the next start reads it after any kind of crash."""
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(mark))
    part.replace(path)


def read_pid_files(folder: Path) -> list[Mark]:
    """What an owner that died left behind; unreadable files belong to nobody."""
    marks: list[Mark] = []
    for path in sorted(folder.glob("*.pid")):
        try:
            marks.append(msgspec.json.decode(path.read_bytes(), type=Mark))
        except (OSError, msgspec.DecodeError):
            continue
    return marks
