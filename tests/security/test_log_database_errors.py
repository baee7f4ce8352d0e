"""What PostgreSQL says about a refused row names the constraint in our logs, never the row's values."""

import psycopg
import pytest
import sqlalchemy
from loguru import logger
from support.log_capture import captured_log

CANARY = "someone7f3a9b"


@pytest.fixture
def table(postgres: str) -> str:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE TABLE people (name text CONSTRAINT people_name_key UNIQUE, n uuid)")
        connection.execute("INSERT INTO people VALUES (%s)", [CANARY])
    return postgres


STATEMENTS = {
    "INSERT INTO people (name) VALUES (:value)": ("sqlstate 23505", "constraint people_name_key"),
    "SELECT CAST(:value AS uuid)": ("sqlstate 22P02", ""),
    "SELECT :value FROM nowhere": ("sqlstate 42P01", "nowhere"),
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_an_error_names_its_cause_and_no_value(table: str, statement: str) -> None:
    engine = sqlalchemy.create_engine(table.replace("postgresql://", "postgresql+psycopg://"))
    with captured_log() as log:
        try:
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text(statement), {"value": CANARY})
        except sqlalchemy.exc.DBAPIError:
            logger.exception("database.failed")
    engine.dispose()
    assert CANARY not in log.text
    for part in STATEMENTS[statement]:
        assert part in log.last["err"]["message"]


def test_a_refused_connection_says_why_without_the_password() -> None:
    with captured_log() as log:
        try:
            psycopg.connect(f"postgresql://astero:{CANARY}@127.0.0.1:1/astero?connect_timeout=2")
        except psycopg.OperationalError:
            logger.exception("database.unreachable")
    assert CANARY not in log.text
    assert "127.0.0.1" in log.last["err"]["message"]
