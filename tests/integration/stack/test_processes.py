"""Ending what we started, and nothing else."""

import signal
import subprocess
import sys

import psutil
import pytest
from support.up import until

from astero_sandbox.processes import Mark, end_all

# Starts a child that does not hear SIGTERM, tells its number and waits.
_CHILD = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(999)"
_PARENT = f"""
import subprocess, sys, time
process = subprocess.Popen([sys.executable, "-c", {_CHILD!r}], stdout=subprocess.PIPE)
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(999)
"""


def leader(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - written above
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def family() -> tuple[subprocess.Popen[str], psutil.Process]:
    parent = leader(_PARENT)
    assert parent.stdout is not None
    with parent.stdout:
        return parent, psutil.Process(int(parent.stdout.readline()))


@pytest.mark.parametrize("parent_is_dead", [False, True])
def test_a_child_that_does_not_hear_ends_with_its_parent(parent_is_dead: bool) -> None:
    parent, child = family()
    mark = Mark.of(parent.pid)
    assert mark is not None
    if parent_is_dead:
        parent.kill()
        parent.wait()
        assert not mark.is_running()
    end_all([mark], patience_seconds=0.2)
    parent.wait()
    until(lambda: not mark.members())
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_number_that_somebody_else_has_now_is_left_alone() -> None:
    with leader(_CHILD) as other:
        end_all([Mark(pid=other.pid, started=1.0, stop_signal=signal.SIGKILL)], patience_seconds=0.2)
        assert other.poll() is None
        other.kill()
