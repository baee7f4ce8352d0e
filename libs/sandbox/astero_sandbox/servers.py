"""PostgreSQL and Valkey in a temporary folder; no trace is left when the block or its process ends."""

import secrets
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from astero_sandbox import postgres, valkey
from astero_sandbox.place import place_for
from astero_sandbox.ports import free_port
from astero_sandbox.programs import Program
from astero_sandbox.supervisor import Supervised, Supervisor

_READY_SECONDS = 30.0
_POLL_SECONDS = 0.02


class NotReadyError(Exception):
    """A server did not come up in time; the message ends with the last lines it printed."""


@contextmanager
def temporary_supervisor() -> Generator[tuple[Path, Supervisor]]:
    """An empty folder and a supervisor whose programs write nothing to the terminal."""
    home = Path(tempfile.mkdtemp(prefix="astero-"))
    supervisor = Supervisor(
        pid_folder=home, say=lambda _name, _sentence: None, output=lambda _name, _line: None
    )
    supervisor.reaper.remove_afterwards(home)
    try:
        yield home, supervisor
    finally:
        supervisor.close()


@dataclass(frozen=True, kw_only=True)
class PostgresHandle:
    server: postgres.Postgres
    supervised: Supervised


@dataclass(frozen=True, kw_only=True)
class ValkeyHandle:
    server: valkey.Valkey
    supervised: Supervised


@contextmanager
def running_postgres() -> Generator[PostgresHandle]:
    """Not durable: a power cut may ruin it, `kill -9` does not."""
    with temporary_supervisor() as (home, supervisor):
        place = place_for(home)
        supervisor.reaper.remove_afterwards(place.folder)
        server = postgres.prepare(place, port=free_port(), password=secrets.token_urlsafe(), durable=False)
        supervised = start_ready(supervisor, server.program, server.is_ready)
        yield PostgresHandle(server=server, supervised=supervised)


@contextmanager
def running_valkey() -> Generator[ValkeyHandle]:
    with temporary_supervisor() as (home, supervisor):
        passwords = {user: secrets.token_urlsafe() for user in valkey.USERS}
        server = valkey.prepare(home / "valkey", port=free_port(), passwords=passwords, durable=False)
        supervised = start_ready(supervisor, server.program, server.is_ready)
        yield ValkeyHandle(server=server, supervised=supervised)


def start_ready(supervisor: Supervisor, program: Program, is_ready: Callable[[], bool]) -> Supervised:
    supervised = supervisor.start(program)
    deadline = time.monotonic() + _READY_SECONDS
    while not is_ready():
        if time.monotonic() > deadline or supervised.exits > 2:  # noqa: PLR2004 - it will not get better
            lines = "\n".join(supervised.tail)
            raise NotReadyError(f"{program.name} did not become ready:\n{lines}")
        time.sleep(_POLL_SECONDS)
    return supervised
