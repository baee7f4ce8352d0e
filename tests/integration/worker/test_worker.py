"""The worker process: what is due is done also when no worker ran, and too many rights end it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from support.api import environment
from support.hosting import GUILD, insert_installation
from support.seeds import set_removed_at
from support.stack import Database

from astero_sandbox.valkey import Valkey
from astero_shared.clock import utc_now
from astero_shared.features.bots.tables import SHARED_BOT_ID

_PATIENCE_SECONDS = 90.0


@contextmanager
def running(module: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: S603 (our own module)
        [sys.executable, "-m", module],
        env={"PATH": os.environ["PATH"]} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def removed_server(database: Database, *, since: timedelta, guild_id: int) -> None:
    insert_installation(database.admin, SHARED_BOT_ID, guild_id)
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute("UPDATE installations SET removed_at = now() WHERE guild_id = %s", [guild_id])
    set_removed_at(database.admin, utc_now() - since, guild_id=guild_id)


def servers(database: Database) -> list[int]:
    with psycopg.connect(database.admin) as connection:
        return sorted(row[0] for row in connection.execute("SELECT guild_id FROM installations"))


@pytest.fixture
def env(database: Database, valkey: str, valkey_server: Valkey) -> dict[str, str]:
    assert valkey, "asking for it empties the server afterwards"
    return environment(database_url=database.api, redis_url=valkey_server.url("api"))


def test_what_is_due_goes_at_start_and_the_rest_stays(database: Database, env: dict[str, str]) -> None:
    removed_server(database, since=timedelta(days=14, seconds=1), guild_id=GUILD)
    removed_server(database, since=timedelta(days=13, hours=23), guild_id=GUILD + 1)
    insert_installation(database.admin, SHARED_BOT_ID, GUILD + 2)
    with running("astero_api.worker", env) as worker:
        wait_for(lambda: servers(database) == [GUILD + 1, GUILD + 2])
        with psycopg.connect(database.admin) as connection:
            audited = connection.execute(
                "SELECT guild_id, details->'rows'->>'installations' FROM audit_entries"
                " WHERE action = 'installation:guild:purged'"
            ).fetchall()
        assert audited == [(None, "1")]
        wait_for(lambda: workers(database) == 1)
        worker.terminate()
        assert worker.wait(60) == 0


def test_a_job_that_is_due_is_run(database: Database, env: dict[str, str]) -> None:
    with running("astero_api.worker", env):
        wait_for(lambda: workers(database) == 1)
        removed_server(database, since=timedelta(days=15), guild_id=GUILD)
        with psycopg.connect(database.api, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
                " VALUES ('default', 'installations.purge', '{\"timestamp\": 0}')"
            )
        wait_for(lambda: servers(database) == [])


def workers(database: Database) -> int:
    with psycopg.connect(database.admin) as connection:
        row = connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone()
    return 0 if row is None else row[0]


@pytest.mark.parametrize("module", ["astero_api", "astero_api.worker"])
@pytest.mark.parametrize(("role", "word"), [("admin", "administrator"), ("migrator", "owner")])
def test_too_many_rights_end_the_process(
    database: Database, env: dict[str, str], module: str, role: str, word: str
) -> None:
    with running(module, env | {"DATABASE_URL": getattr(database, role)}) as process:
        assert process.wait(90) == 78
        assert process.stdout is not None
        last = process.stdout.read().splitlines()[-1]
    assert last.startswith("configuration: DATABASE_URL: role ")
    assert word in last
    assert "password" not in last
