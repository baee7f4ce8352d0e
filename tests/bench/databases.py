"""PostgreSQL and Valkey for one figure: fresh, migrated, gone with the block."""

from collections.abc import Generator
from contextlib import contextmanager

import psycopg

from astero_sandbox.servers import running_postgres, running_valkey
from tests.support.stack import Database, migrate


@contextmanager
def running_databases() -> Generator[tuple[Database, str]]:
    """The database, and the URL of Valkey for the api."""
    with running_postgres() as postgres, running_valkey() as valkey:
        with psycopg.connect(postgres.server.url(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE bench")
        database = Database.on(postgres.server, "bench")
        migrate(database)
        yield database, valkey.server.url("api")
