"""Where PostgreSQL's files live.

An ordinary user keeps them in Astero's home folder. PostgreSQL refuses root: for root it runs as
`nobody` and lives under /var/tmp, because the checkout may lie where only root can enter.
"""

import hashlib
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from astero_sandbox.programs import RunAs

UNPRIVILEGED_USER = "nobody"
SHARED_FOLDER = Path("/var/tmp")  # noqa: S108 - ownership and mode of what we find there are checked
_PREFIX = "astero-"
_OWNER_FILE = "belongs-to"


class PlaceRefusedError(Exception):
    """The folder is not what we would have made: another local user may have planted it."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """`folder` is enterable by `run_as`; `run_as` is None when PostgreSQL may run as ourselves."""

    folder: Path
    run_as: RunAs | None

    def make_private(self, path: Path) -> Path:
        """A 0700 folder inside, owned by whoever PostgreSQL runs as."""
        path.mkdir(mode=0o700, exist_ok=True)
        self.give(path)
        return path

    def give(self, path: Path) -> None:
        if self.run_as is not None:
            os.chown(path, self.run_as.uid, self.run_as.gid)


def place_for(home: Path, *, instance: str) -> Place:
    """Makes the folder, or checks the one that is there. `home` exists already.

    `instance` is the home's identity: a home that was removed and made again gets an empty place.
    """
    if os.geteuid() != 0:
        folder = home / "postgres"
        folder.mkdir(mode=0o700, exist_ok=True)
        return Place(folder=folder, run_as=None)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError:
        raise PlaceRefusedError(
            f"PostgreSQL does not run as root and this machine has no user {UNPRIVILEGED_USER}. "
            "Run as an ordinary user, or set DATABASE_URL to a PostgreSQL of yours."
        ) from None
    name = _PREFIX + hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]
    folder = _own_folder(SHARED_FOLDER / name)
    owner, mine = folder / _OWNER_FILE, f"{home.resolve()}\n{instance}\n"
    if not owner.exists() or owner.read_text() != mine:
        shutil.rmtree(folder)
        _own_folder(folder)
        owner.write_text(mine)
    return Place(folder=folder, run_as=RunAs(uid=entry.pw_uid, gid=entry.pw_gid))


def remove_orphans() -> None:
    """Folders of ours under /var/tmp whose home is gone: nobody would ever find their databases again."""
    if os.geteuid() != 0:
        return
    for folder in SHARED_FOLDER.glob(f"{_PREFIX}*"):
        owner = folder / _OWNER_FILE
        try:
            ours = folder.lstat().st_uid == 0 and stat.S_ISDIR(folder.lstat().st_mode)
            if ours and not Path(owner.read_text().splitlines()[0]).is_dir():
                shutil.rmtree(folder, ignore_errors=True)
        except (OSError, IndexError):
            # Another start removed it in the same moment, or it never became a whole place.
            continue


def _own_folder(path: Path) -> Path:
    """0711: `nobody` may pass through, not list. Refuses one that others could have filled."""
    try:
        path.mkdir(mode=0o711)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise PlaceRefusedError(
                f"{path} exists and is not a folder that only we can write to. Look at it, then remove it."
            ) from None
    path.chmod(0o711)  # whatever the umask says
    return path
