"""Processes we started, recognised again later.

A pid counts only together with its start time: a recycled number is never taken for ours.
"""

import os
import signal
import time
from collections.abc import Iterable
from typing import Self

import msgspec
import psutil

# psutil derives start times from the boot time, which a clock step moves a little.
_START_TOLERANCE_SECONDS = 2.0
_POLL_SECONDS = 0.05


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One process that leads its own group; `started` is its start in epoch seconds."""

    pid: int
    started: float
    stop_signal: int = signal.SIGTERM

    @classmethod
    def of(cls, pid: int, *, stop_signal: int = signal.SIGTERM) -> Self | None:
        try:
            return cls(pid=pid, started=psutil.Process(pid).create_time(), stop_signal=stop_signal)
        except psutil.Error:
            return None

    def is_running(self) -> bool:
        """A zombie counts as ended: its parent may be gone and nobody collects it."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _START_TOLERANCE_SECONDS
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def members(self) -> list[psutil.Process]:
        """Itself and what it started, also after its own end: a group's number is not given away before."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started) >= _START_TOLERANCE_SECONDS:
                return []
        except psutil.Error:
            pass  # gone; its children may live on
        return [process for process in psutil.process_iter() if _lives_in(self.pid, process)]


def signal_group(leader: int, number: int) -> None:
    """Reaches the leader and what it started; a group that has ended is no error."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        # macOS answers EPERM for a group of zombies; nothing of another user is ever in our groups.
        return


def end_all(marks: Iterable[Mark], *, patience_seconds: float) -> None:
    """Asks each with its own signal, waits, then kills what is left of their groups."""
    left = [mark for mark in marks if mark.members()]
    for mark in left:
        signal_group(mark.pid, mark.stop_signal)
    deadline = time.monotonic() + patience_seconds
    while left and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        left = [mark for mark in left if mark.members()]
    for mark in left:
        signal_group(mark.pid, signal.SIGKILL)


def _lives_in(group: int, process: psutil.Process) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False
