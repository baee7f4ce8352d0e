"""The folder of one Astero (`.astero/`, or ASTERO_HOME): private, and used by one `just up` at a time."""

import fcntl
import os
import stat
from pathlib import Path
from typing import IO

import msgspec

from astero_sandbox.credentials import write_private
from astero_sandbox.processes import end_all
from astero_sandbox.supervisor import read_pid_files

_LEFTOVER_SECONDS = 8.0


class AlreadyUpError(Exception):
    """Another one uses this home; the message says where it answers."""


class HomeRefusedError(Exception):
    """The folder cannot hold secrets; the message says what to do."""


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """`up.json`. A party that is not part of this run is null. `database` is the administrator's URL."""

    api: str
    engine: str
    discord: str | None
    database: str
    redis: str
    mail: str | None = None
    storage: str | None = None
    stripe: str | None = None
    twitch: str | None = None
    gemini: str | None = None
    sentry: str | None = None


class Home:
    """Raises AlreadyUpError for a home in use, HomeRefusedError for one that cannot be private.

    The lock ends with the process, however that ends.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        _make_private(self.folder)
        self._lock = self._take_lock()
        self.logs.mkdir(mode=0o700, exist_ok=True)
        self.pids.mkdir(mode=0o700, exist_ok=True)
        self._addresses.unlink(missing_ok=True)

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def pids(self) -> Path:
        return self.folder / "pids"

    @property
    def _addresses(self) -> Path:
        return self.folder / "up.json"

    def end_leftovers(self) -> int:
        """Ends what an owner that was killed left running; answers how many processes that were."""
        left = [mark for mark in read_pid_files(self.pids) if mark.members()]
        end_all(left, patience_seconds=_LEFTOVER_SECONDS)
        for file in self.pids.glob("*.pid"):
            file.unlink(missing_ok=True)
        return len(left)

    def publish(self, addresses: Addresses) -> None:
        write_private(self._addresses, msgspec.json.format(msgspec.json.encode(addresses), indent=2))

    def close(self) -> None:
        self._addresses.unlink(missing_ok=True)
        self._lock.close()

    def _take_lock(self) -> IO[str]:
        path = self.folder / "up.lock"
        lock = path.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip()
            lock.close()
            raise AlreadyUpError(self._where_it_is(pid)) from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        return lock

    def _where_it_is(self, pid: str) -> str:
        try:
            found = msgspec.json.decode(self._addresses.read_bytes(), type=Addresses)
        except (OSError, msgspec.DecodeError):
            where = "Astero is starting or stopping already"
        else:
            where = f"Astero is up already: {found.api}"
        return (
            f"{where} (process {pid}, home {self.folder}). Stop it with Ctrl-C where it runs, "
            "or start another one beside it with ASTERO_HOME and ASTERO_PORT_BASE"
        )


def _make_private(folder: Path) -> None:
    """Never changes a folder that was there before: it may be /tmp, or somebody's home."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        pass
    except OSError as error:
        raise HomeRefusedError(f"ASTERO_HOME: {folder} cannot be made: {error.strerror}") from error
    try:
        found = folder.stat()
    except OSError as error:
        raise HomeRefusedError(f"ASTERO_HOME: {folder} cannot be entered: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise HomeRefusedError(
            f"ASTERO_HOME: {folder} must be a folder of Astero's own that belongs to you and that only you "
            "can enter: choose another, or chmod 700 it"
        )
