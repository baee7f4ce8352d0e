"""`astero user suspend|restore`: status, sessions, bots, a letter and the audit log, in one transaction."""

from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from click.testing import Result
from support.audit import ask
from support.hosting import insert_bot
from support.stack import Database
from typer.testing import CliRunner

from astero_ops.__main__ import app
from astero_shared.ids import new_id

Operate = Callable[..., Result]
REASON = "sold spam to half of Discord"


@pytest.fixture
def operate(database: Database) -> Operate:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["user", *arguments], env={"DATABASE_URL": database.migrator})

    return run


def person(database: Database, email: str, *, sessions: int = 2) -> UUID:
    user_id = new_id()
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO users (id, email, email_key, password_hash, created_at)"
            " VALUES (%s, %s, lower(%s), 'x', now())",
            [user_id, email, email],
        )
        for _ in range(sessions):
            connection.execute(
                "INSERT INTO sessions (id, user_id, amr, created_at, last_seen_at, authenticated_at,"
                " expires_at) VALUES (gen_random_uuid(), %s, '{pwd}', now(), now(), now(), now() + '1 day')",
                [user_id],
            )
    return user_id


def live_sessions(database: Database, user_id: UUID) -> int:
    return ask(database, "SELECT count(*) FROM sessions WHERE user_id = %s AND revoked_at IS NULL", user_id)[
        0
    ][0]


def status(database: Database, user_id: UUID) -> tuple[str, int]:
    ((word, version),) = ask(database, "SELECT status, token_version FROM users WHERE id = %s", user_id)
    return word, version


def suspended_bots(database: Database) -> set[UUID]:
    return {row[0] for row in ask(database, "SELECT id FROM bots WHERE suspended_at IS NOT NULL")}


def test_an_account_is_suspended_whole_and_nobody_elses(database: Database, operate: Operate) -> None:
    ada, eve = person(database, "Ada@Example.org"), person(database, "eve@example.org")
    bots = {insert_bot(database.admin, str(ada), application_id=number) for number in (11, 12)}
    insert_bot(database.admin, str(eve), application_id=13)
    ran = operate("suspend", "ada@example.ORG", "--reason", REASON)
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert str(ada) in ran.stderr
    assert "2 sessions" in ran.stderr
    assert "2 bots" in ran.stderr
    assert status(database, ada) == ("suspended", 2)
    assert (live_sessions(database, ada), live_sessions(database, eve)) == (0, 2)
    assert suspended_bots(database) == bots
    assert status(database, eve) == ("active", 1)


def test_twice_is_once_and_what_ran_comes_back(database: Database, operate: Operate) -> None:
    ada = person(database, "ada@example.org")
    running = insert_bot(database.admin, str(ada), application_id=11)
    stopped = insert_bot(database.admin, str(ada), application_id=12)
    ask(database, "UPDATE bots SET desired_state = 'stopped' WHERE id = %s RETURNING id", stopped)
    for word in ("suspended", "is suspended already"):
        ran = operate("suspend", str(ada), "--reason", REASON)
        assert (ran.exit_code, word in ran.stderr) == (0, True)
    assert ask(database, "SELECT task_name, args ->> 'account_id' FROM procrastinate_jobs") == [
        ("accounts.tell_suspended", str(ada))
    ]
    for word in ("restored", "is not suspended"):
        ran = operate("restore", str(ada), "--reason", "a mistake")
        assert (ran.exit_code, word in ran.stderr) == (0, True)
    assert status(database, ada) == ("active", 2)
    assert live_sessions(database, ada) == 0, "who comes back signs in anew"
    assert suspended_bots(database) == set()
    assert dict(ask(database, "SELECT id, desired_state FROM bots WHERE kind = 'branded'")) == {
        running: "running",
        stopped: "stopped",
    }
    assert ask(database, "SELECT count(*) FROM audit_entries") == [(4,)]


def test_both_chains_tell_of_it_and_only_the_platforms_why(database: Database, operate: Operate) -> None:
    ada = person(database, "ada@example.org")
    operate("suspend", str(ada), "--reason", REASON)
    told = ask(
        database, "SELECT chain, action, target, personal ->> 'reason' FROM audit_entries ORDER BY chain"
    )
    assert told == [
        (f"account:{ada}", "account:user:suspended", str(ada), None),
        ("platform", "account:user:suspended", str(ada), REASON),
    ]
    ran = CliRunner().invoke(app, ["audit", "verify"], env={"DATABASE_URL": database.migrator})
    assert ran.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("suspend", "nobody@example.org", "--reason", REASON), 4),
        (("suspend", "00000000-0000-7000-8000-00000000000a", "--reason", REASON), 4),
        (("restore", "gone@example.org", "--reason", REASON), 4),
        (("suspend", "gone@example.org"), 2),
        (("suspend", "gone@example.org", "--reason", "  "), 2),
        # bytes that are no UTF-8, as they come from a shell
        (("suspend", "gone\udcff@example.org", "--reason", REASON), 2),
        (("suspend", "gone@example.org", "--reason", "\udcff"), 2),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    database: Database, operate: Operate, arguments: tuple[str, ...], code: int
) -> None:
    gone = person(database, "gone@example.org")
    ask(database, "UPDATE users SET status = 'deleted' WHERE id = %s RETURNING id", gone)
    assert operate(*arguments).exit_code == code
    assert status(database, gone) == ("deleted", 1)
    assert ask(database, "SELECT count(*) FROM audit_entries") == [(0,)]


def test_a_database_that_is_away_is_a_refusal(operate: Operate, database: Database) -> None:
    ran = CliRunner().invoke(
        app,
        ["user", "suspend", "ada@example.org", "--reason", REASON],
        env={"DATABASE_URL": "postgresql://astero_migrator@127.0.0.1:1/none"},
    )
    assert ran.exit_code == 4
    assert "refused: " in ran.stderr


def test_another_roles_database_url_is_bad_configuration(database: Database) -> None:
    for words in (("user", "suspend", "ada@example.org", "--reason", REASON), ("audit", "verify")):
        ran = CliRunner().invoke(app, [*words], env={"DATABASE_URL": database.api})
        assert ran.exit_code == 78


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT password_hash FROM users",
        "SELECT email FROM users",
        "SELECT ciphertext FROM bot_tokens",
        "SELECT token_hash FROM refresh_tokens",
        "UPDATE users SET email_key = 'x'",
        "UPDATE bots SET desired_state = 'stopped'",
        "DELETE FROM sessions",
        "DELETE FROM audit_entries",
    ],
)
def test_the_operators_role_can_do_this_and_no_more(database: Database, statement: str) -> None:
    with psycopg.connect(database.migrator, autocommit=True) as connection:
        connection.execute("SET ROLE astero_operator")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]
