"""The grants file is the live catalog, and the tables are the table classes."""

from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool
from support.stack import Database, migrate

from astero_ops.migrate.grants import live_rights, make_equal, wanted_rights
from astero_ops.migrate.places import GRANTS_FILE
from astero_shared.db.registry import metadata


def test_the_live_catalog_equals_the_grants_file(database: Database) -> None:
    with psycopg.connect(database.admin) as connection:
        assert live_rights(connection) == wanted_rights(connection)


@pytest.mark.parametrize(
    "drift",
    [
        "GRANT SELECT ON users TO astero_bot_engine",
        "GRANT SELECT (email) ON users TO astero_bot_engine",
        "GRANT SELECT ON bot_tokens TO PUBLIC",
        "GRANT EXECUTE ON FUNCTION purge_installation(uuid) TO PUBLIC",
        "REVOKE INSERT ON cases FROM astero_api",
    ],
)
def test_applying_again_undoes_any_drift(database: Database, drift: str) -> None:
    with psycopg.connect(database.admin) as connection:
        connection.execute(drift)  # pyright: ignore[reportArgumentType, reportCallIssue]
        connection.commit()
        assert live_rights(connection) != wanted_rights(connection)
        connection.commit()
        migrate(database)
        assert live_rights(connection) == wanted_rights(connection)


def test_a_table_without_a_line_in_the_grants_file_is_refused(database: Database, tmp_path: Path) -> None:
    incomplete = tmp_path / "grants.toml"
    incomplete.write_text(GRANTS_FILE.read_text().replace("[tables.users]", "[tables.user]"))
    with (
        psycopg.connect(database.admin) as connection,
        pytest.raises(ValueError, match=r"\['user', 'users'\]"),
    ):
        make_equal(connection, incomplete)


def test_the_migrations_make_the_tables_of_the_table_classes(database: Database) -> None:
    engine = create_engine(make_url(database.admin).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    ours = metadata().tables
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                # the queue's tables are its library's; indexes and constraints are the migrations' own
                "include_name": lambda name, kind, _: kind != "table" or name in ours,
                "include_object": lambda _object, _name, kind, *_: kind in {"table", "column"},
            },
        )
        assert compare_metadata(context, metadata()) == []
