"""`astero migrate apply`: roles, migrations and grants, one runner at a time, in that order.

The schema is changed as `astero_owner` by the `astero_migrator` login; an administrator is needed only to
make the roles.
"""

from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from astero_ops.migrate.grants import Right, make_equal
from astero_ops.migrate.places import MIGRATIONS_FOLDER
from astero_ops.migrate.roles import close_to_strangers, make_roles
from astero_ops.settings import OperatorSettings

_ONE_RUNNER_LOCK = 0x61737465726F  # "astero"


def apply(settings: OperatorSettings) -> tuple[set[Right], set[Right]]:
    """Bring the database to the newest schema and the grants file. Answers (granted, revoked).

    Safe to run again; two at once wait for each other. Raises psycopg.Error or ValueError.
    """
    if settings.database_admin_url is not None:
        with psycopg.connect(settings.database_admin_url.reveal()) as admin:
            # Two at once would alter the same rows of the catalog, which PostgreSQL refuses.
            admin.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_RUNNER_LOCK])
            make_roles(admin, settings)
    with _as_owner(settings) as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS_FOLDER))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        driver = connection.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise TypeError("the migrator needs psycopg")
        close_to_strangers(driver)
        changes = make_equal(driver)
        driver.commit()
    return changes


@contextmanager
def _as_owner(settings: OperatorSettings) -> Generator[Connection, None, None]:
    url = make_url(settings.database_url.reveal()).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ONE_RUNNER_LOCK})
        connection.execute(text("SET ROLE astero_owner"))
        # A migration that waits for a lock stops everybody behind it: give up soon, run again.
        connection.execute(text("SET lock_timeout = '4s'"))
        connection.commit()
        yield connection
