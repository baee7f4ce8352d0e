"""What somebody is told when a command failed: what passes by itself, and a fault of ours."""

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from astero_bot_engine.interactions.failures import explain


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OperationalError("SELECT 1", None, psycopg.OperationalError("gone")), "my database"),
        (IntegrityError("INSERT", None, psycopg.errors.UniqueViolation("taken")), "reference"),
    ],
)
def test_a_refused_statement_is_no_database_that_is_away(error: SQLAlchemyError, told: str) -> None:
    assert told in explain(error, "en")
