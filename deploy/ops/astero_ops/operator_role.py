"""The database for the operator's commands: connections as `astero_operator`, and refusals."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from astero_ops.settings import OperatorSettings
from astero_shared.settings import ConfigurationError, exit_misconfigured


def reason_of(error: Exception) -> str:
    """The driver's first line says what happened; the rest may hold the statement.

    Ends the command where DATABASE_URL is another role's: to try again would not help.
    """
    first = str(error).splitlines()[0]
    if "permission denied to set role" in first:
        exit_misconfigured(ConfigurationError("DATABASE_URL", "is not the role astero_migrator"))
    return first


@contextmanager
def looking(settings: OperatorSettings) -> Generator[psycopg.Connection[Any]]:
    """One transaction that sees the database as it is when it begins, and changes nothing."""
    address = make_url(settings.database_url.reveal()).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL ROLE astero_operator")
        yield connection
