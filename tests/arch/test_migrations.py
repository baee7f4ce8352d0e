"""A migration holds no lock that stops the house: squawk reads the SQL that alembic would send."""

import subprocess
import sys
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory

from astero_ops.migrate.places import MIGRATIONS_FOLDER

_SQUAWK = str(Path(sys.executable).with_name("squawk"))
# What does not hold here, and why.
_LEFT_OUT: Mapping[str, str] = {
    "require-lock-timeout": "`astero migrate apply` sets it for every migration",
    "require-statement-timeout": "a long backfill may take its time; what may not be waited for is a lock",
    "prefer-bigint-over-int": "the counters of one server, one bot or one account",
}
_REVISIONS = list(ScriptDirectory(str(MIGRATIONS_FOLDER)).walk_revisions())


class Sent(StringIO):
    """Alembic writes each statement it would send by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.statements: list[str] = []

    def write(self, text: str) -> int:
        self.statements.append(text)
        return len(text)


def sql_of(revision: Script) -> str:
    sent = Sent()
    options = {"as_sql": True, "output_buffer": sent}
    context = MigrationContext.configure(
        dialect_name="postgresql", dialect_opts={"paramstyle": "named"}, opts=options
    )
    with Operations.context(context):
        revision.module.upgrade()
    # The queue's schema is the library's, not ours to change.
    return "".join(text for text in sent.statements if "CREATE TABLE procrastinate_jobs" not in text)


def complaints(sql: str) -> list[str]:
    left_out = [f"--exclude={rule}" for rule in _LEFT_OUT]
    command = [_SQUAWK, "--assume-in-transaction", "--reporter=gcc", *left_out]
    ran = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert ran.stderr == ""
    return ran.stdout.splitlines()


@pytest.mark.parametrize("revision", _REVISIONS, ids=lambda revision: revision.revision)
def test_a_migration_is_safe_to_run_beside_the_house(revision: Script) -> None:
    sql = sql_of(revision)
    assert len(sql) > 100
    assert "procrastinate" not in sql
    assert complaints(sql) == []


def test_a_planted_lock_is_caught() -> None:
    assert complaints("ALTER TABLE cases ADD COLUMN weight integer NOT NULL;") != []
