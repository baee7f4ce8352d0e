"""The roles, made by an administrator once and brought back to their attributes on every run."""

from typing import Any, LiteralString, cast

from psycopg import Connection, sql

from astero_ops.migrate.places import ROLES_FILE
from astero_ops.settings import OperatorSettings

OWNER = "astero_owner"


def make_roles(connection: Connection[Any], settings: OperatorSettings) -> None:
    """Needs a superuser. Passwords that the environment does not give are left as they are."""
    connection.execute(cast("LiteralString", ROLES_FILE.read_text()))
    passwords = {
        "astero_migrator": settings.astero_migrator_db_password,
        "astero_api": settings.astero_api_db_password,
        "astero_bot_engine": settings.astero_bot_engine_db_password,
        "astero_backup": settings.astero_backup_db_password,
    }
    for role, password in passwords.items():
        if password is not None:
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), password.reveal())
            )
    database = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, sql.Identifier(OWNER)))
    connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(OWNER)))


def close_to_strangers(connection: Connection[Any]) -> None:
    """As the owner: nobody but our roles connects, and nobody but the owner creates anything."""
    database = sql.Identifier(connection.info.dbname)
    roles = sql.SQL("astero_migrator, astero_api, astero_bot_engine, astero_backup")
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, roles))
    connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}, astero_operator").format(roles))
