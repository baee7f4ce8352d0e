"""Connections of the operator's commands that look and act, with exactly the rights of `astero_operator`."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from astero_ops.settings import OperatorSettings

OPERATOR = "astero_operator"


@contextmanager
def looking(settings: OperatorSettings) -> Generator[psycopg.Connection[Any]]:
    """One transaction that sees the database as it is when it begins, and changes nothing."""
    address = make_url(settings.database_url.reveal()).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL ROLE astero_operator")
        yield connection
