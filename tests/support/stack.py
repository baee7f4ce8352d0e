"""A real PostgreSQL and a real Valkey for every test that asks.

One pair of servers per xdist worker, started when the first test needs them; as good as new for each test.
"""

import secrets
import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass

import psycopg
import pytest
import redis
from psycopg import sql

from astero_sandbox.postgres import Postgres
from astero_sandbox.roles import ROLES, DatabaseUrls, migration
from astero_sandbox.servers import running_postgres, running_valkey
from astero_sandbox.valkey import Valkey

from .databases import clean_databases, fresh_database

_PASSWORDS = {role: secrets.token_urlsafe() for role in ROLES}
_TEMPLATE = "astero_template"


@dataclass(frozen=True, kw_only=True)
class Database(DatabaseUrls):
    """URLs of one database, per role."""

    name: str

    @classmethod
    def on(cls, server: Postgres, name: str) -> "Database":
        return cls(name=name, **asdict(DatabaseUrls.of(server.url(database=name), _PASSWORDS)))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """Roles belong to the whole server: a test that changes one starts its own server."""
    with running_postgres() as handle:
        yield handle.server


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    with running_valkey() as handle:
        yield handle.server


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[str]:
    """The superuser's URL of a fresh, empty database."""
    with fresh_database(postgres_server, template="template0") as name:
        yield postgres_server.url(database=name)


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Postgres) -> str:
    """The name of a database that the real migrations have built, with every role and grant."""
    with psycopg.connect(postgres_server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
    migrate(Database.on(postgres_server, _TEMPLATE))
    return _TEMPLATE


@pytest.fixture(scope="session")
def databases(postgres_server: Postgres, migrated_template: str) -> Iterator[Generator[str]]:
    with closing(clean_databases(postgres_server, template=migrated_template)) as names:
        yield names


@pytest.fixture
def database(postgres_server: Postgres, databases: Generator[str]) -> Database:
    """A migrated, empty database."""
    return Database.on(postgres_server, next(databases))


@pytest.fixture(scope="session")
def valkey_operator(valkey_server: Valkey) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server.url()) as client:
        yield client


@pytest.fixture
def valkey(valkey_server: Valkey, valkey_operator: redis.Redis) -> Iterator[str]:
    """The operator's URL; nothing is in it. `valkey_server.url("api")` is what a service gets."""
    # an api that served a whole file has left its counts
    valkey_operator.flushall()
    yield valkey_server.url()
    valkey_operator.flushall()


def migrate(database: Database) -> None:
    """What an operator runs, with what an operator sets; fails with the command's own words."""
    code, printed = migration(database, _PASSWORDS).run_to_end(threading.Event())
    if code != 0:
        pytest.fail(f"migrate apply ended with {code}:\n{printed}")
