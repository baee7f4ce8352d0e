"""What each role may and may not do, asked of a real server as that role."""

import asyncio

import psycopg
import pytest
from support.stack import Database

from astero_shared.db.engine import assert_least_privilege, create_engine
from astero_shared.settings import ConfigurationError, Secret

STORE = (
    "INSERT INTO bot_tokens VALUES"
    " ('00000000-0000-7000-8000-000000000001', decode(repeat('01', 40), 'hex'), 'wxyz', now())"
)
REPLACE = "UPDATE bot_tokens SET ciphertext = decode(repeat('01', 41), 'hex'), last4 = 'abcd'"


def allowed(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]


def refused(url: str, statement: str) -> None:
    with (
        psycopg.connect(url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]


def test_the_api_writes_a_token_and_cannot_read_it_back(database: Database) -> None:
    allowed(database.api, STORE)
    allowed(database.api, "SELECT bot_id, last4, updated_at FROM bot_tokens")
    allowed(database.api, REPLACE)
    for reading in (
        "SELECT * FROM bot_tokens",
        "SELECT ciphertext FROM bot_tokens",
        "SELECT count(*) FROM bot_tokens WHERE ciphertext IS NOT NULL",
        REPLACE + " RETURNING ciphertext",
        "UPDATE bot_tokens SET last4 = left(encode(ciphertext, 'hex'), 4)",
        "COPY bot_tokens TO STDOUT",
    ):
        refused(database.api, reading)
    allowed(database.bot_engine, "SELECT ciphertext FROM bot_tokens")


def test_a_token_column_refuses_plaintext(database: Database) -> None:
    with (
        psycopg.connect(database.api, autocommit=True) as connection,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        connection.execute(
            "INSERT INTO bot_tokens VALUES ('00000000-0000-7000-8000-000000000001', %s, 'wxyz', now())",
            [b"MTIzNDU2Nzg5MDEyMzQ1Njc4.GhIjKl.abcdefghijklmnopqrstuvwxyz0123456789AB"],
        )


@pytest.mark.parametrize(
    "table", ["users", "sessions", "refresh_tokens", "audit_entries", "procrastinate_jobs", "alembic_version"]
)
def test_the_engine_cannot_read_people_sessions_audit_or_jobs(database: Database, table: str) -> None:
    refused(database.bot_engine, f"SELECT 1 FROM {table}")  # noqa: S608 - table names of this test


@pytest.mark.parametrize("column", ["email", "email_key", "password_hash"])
def test_the_engine_cannot_read_mail_or_hashes(database: Database, column: str) -> None:
    refused(database.bot_engine, f"SELECT {column} FROM users")  # noqa: S608 - column names of this test


def test_the_engine_cannot_read_whose_a_bot_is(database: Database) -> None:
    allowed(database.bot_engine, "SELECT id, kind, desired_state FROM bots")
    refused(database.bot_engine, "SELECT owner_user_id FROM bots")


def test_the_api_changes_of_a_person_what_it_has_a_use_for(database: Database) -> None:
    for column in ("password_hash", "email", "email_verified_at", "display_name"):
        allowed(database.api, f"UPDATE users SET {column} = {column}")  # noqa: S608 - column names of this test
    refused(database.api, "UPDATE users SET created_at = created_at")
    refused(database.api, "DELETE FROM users")


def test_nobody_alters_the_audit_log(database: Database) -> None:
    for url in (database.api, database.bot_engine):
        allowed(
            url,
            "INSERT INTO audit_entries (id, at, actor_kind, actor_id, action, details)"
            " VALUES (gen_random_uuid(), now(), 'system', 'test', 'test:test:tested', '{}')",
        )
        refused(url, "UPDATE audit_entries SET action = 'other'")
        refused(url, "DELETE FROM audit_entries")
        refused(url, "TRUNCATE audit_entries")


def test_the_api_edits_what_people_wrote_in_a_case_and_not_its_facts(database: Database) -> None:
    allowed(database.api, "UPDATE cases SET reason = 'better words'")
    for column in ("state", "action", "target_id", "number"):
        refused(database.api, f"UPDATE cases SET {column} = {column}")  # noqa: S608 - column names of this test
    refused(database.api, "DELETE FROM cases")


@pytest.mark.parametrize("role", ["api", "bot_engine", "backup"])
def test_a_service_defines_nothing(database: Database, role: str) -> None:
    url = getattr(database, role)
    for statement in (
        "CREATE TABLE mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE users ADD COLUMN x int",
        "DROP TABLE users",
        "SET ROLE astero_owner",
        "SET ROLE astero_operator",
        "SELECT rolpassword FROM pg_authid",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT lo_create(0)",
    ):
        refused(url, statement)


def test_the_backup_role_reads_everything_and_writes_nothing(database: Database) -> None:
    for table in ("users", "bot_tokens", "audit_entries", "procrastinate_jobs"):
        allowed(database.backup, f"SELECT * FROM {table}")  # noqa: S608 - table names of this test
    refused(database.backup, "INSERT INTO engines VALUES (gen_random_uuid(), 'u', now(), now(), false)")
    refused(database.backup, "UPDATE users SET locale = 'fr'")


def test_a_service_refuses_to_run_as_administrator_or_owner(database: Database) -> None:
    async def check(url: str) -> None:
        engine = create_engine(Secret(url), application="test")
        try:
            await assert_least_privilege(engine)
        finally:
            await engine.dispose()

    asyncio.run(check(database.api))
    asyncio.run(check(database.bot_engine))
    with pytest.raises(ConfigurationError, match="is an administrator"):
        asyncio.run(check(database.admin))
    with pytest.raises(ConfigurationError, match="is the owner"):
        asyncio.run(check(database.migrator))


@pytest.mark.parametrize("right", ["SUPERUSER", "BYPASSRLS", "CREATEROLE", "CREATEDB"])
def test_a_service_refuses_to_run_with_any_right_of_an_administrator(database: Database, right: str) -> None:
    async def check() -> None:
        engine = create_engine(Secret(database.bot_engine), application="test")
        try:
            await assert_least_privilege(engine)
        finally:
            await engine.dispose()

    allowed(database.admin, f"ALTER ROLE astero_bot_engine {right}")
    try:
        with pytest.raises(ConfigurationError, match="is an administrator"):
            asyncio.run(check())
    finally:
        # Roles are the server's, which the tests share.
        allowed(database.admin, f"ALTER ROLE astero_bot_engine NO{right}")
    asyncio.run(check())
