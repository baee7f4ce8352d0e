"""The logins of one database, and the operator's command that makes them."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from astero_sandbox.programs import Program, Stage

ROLES = ("astero_migrator", "astero_api", "astero_bot_engine", "astero_backup")


@dataclass(frozen=True, kw_only=True)
class DatabaseUrls:
    """The same database for each role. `admin` is the superuser, for what no role may do."""

    admin: str
    migrator: str
    api: str
    bot_engine: str
    backup: str

    @staticmethod
    def of(admin_url: str, passwords: Mapping[str, str]) -> "DatabaseUrls":
        migrator, api, bot_engine, backup = (as_user(admin_url, role, passwords[role]) for role in ROLES)
        return DatabaseUrls(admin=admin_url, migrator=migrator, api=api, bot_engine=bot_engine, backup=backup)


def as_user(url: str, user: str, password: str) -> str:
    """The same server, database and options, somebody else's login."""
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{where}"))


def migration(urls: DatabaseUrls, passwords: Mapping[str, str]) -> Program:
    """`astero migrate apply` with what an operator would set."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "DATABASE_URL": urls.migrator,
        "DATABASE_ADMIN_URL": urls.admin,
    }
    environment |= {f"{role.upper()}_DB_PASSWORD": passwords[role] for role in ROLES}
    return Program(
        name="migrate",
        stage=Stage.SERVICE,
        command=(sys.executable, "-m", "astero_ops", "migrate", "apply"),
        environment=environment,
    )
