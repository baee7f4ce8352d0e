"""PostgreSQL and Valkey in a temporary folder; no trace is left when the block or its process ends."""

import secrets
import tempfile
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from astero_sandbox import postgres, valkey
from astero_sandbox.part import Part
from astero_sandbox.place import place_for
from astero_sandbox.ports import free_port
from astero_sandbox.programs import Program
from astero_sandbox.supervisor import Supervisor


@contextmanager
def temporary_supervisor(
    output: Callable[[str, str], None] = lambda _name, _line: None,
) -> Generator[tuple[Path, Supervisor]]:
    """An empty folder and a supervisor whose programs write nothing to the terminal.

    `output` gets each program's name and lines, from that program's thread.
    """
    home = Path(tempfile.mkdtemp(prefix="astero-"))
    supervisor = Supervisor(pid_folder=home, say=lambda _name, _sentence: None, output=output)
    supervisor.reaper.remove_afterwards(home)
    try:
        yield home, supervisor
    finally:
        supervisor.close()


@dataclass(frozen=True, kw_only=True)
class PostgresHandle:
    server: postgres.Postgres
    part: Part


@dataclass(frozen=True, kw_only=True)
class ValkeyHandle:
    server: valkey.Valkey
    part: Part


@contextmanager
def running_postgres() -> Generator[PostgresHandle]:
    """Not durable: a power cut may ruin it, `kill -9` does not."""
    with temporary_supervisor() as (home, supervisor):
        place = place_for(home, instance=home.name)
        supervisor.reaper.remove_afterwards(place.folder)
        server = postgres.prepare(
            place,
            port=free_port(),
            password=secrets.token_urlsafe(),
            durable=False,
            stopping=threading.Event(),
        )
        part = _start(supervisor, server.program, server.is_ready)
        yield PostgresHandle(server=server, part=part)


@contextmanager
def running_valkey() -> Generator[ValkeyHandle]:
    with temporary_supervisor() as (home, supervisor):
        passwords = {user: secrets.token_urlsafe() for user in valkey.USERS}
        server = valkey.prepare(home / "valkey", port=free_port(), passwords=passwords, durable=False)
        part = _start(supervisor, server.program, server.is_ready)
        yield ValkeyHandle(server=server, part=part)


def _start(supervisor: Supervisor, program: Program, is_ready: Callable[[], bool]) -> Part:
    part = Part(supervisor.start(program), url=None, probe=is_ready, stopping=threading.Event())
    part.wait_ready()
    return part
