"""`just up` as its operator sees it, with stand-ins for the services: what it says, its end, its way back."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
import redis
from support.up import Start, Up, gone, starter, until

from astero_sandbox.plan import Plan, PlanRefusedError
from astero_sandbox.processes import Mark
from astero_sandbox.servers import running_postgres, running_valkey
from astero_sandbox.supervisor import read_pid_files


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Start]:
    with starter(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def databases() -> Iterator[dict[str, str]]:
    """For tests that are about something else: quicker than servers of their own."""
    with running_postgres() as database, running_valkey() as cache:
        yield {"DATABASE_URL": database.server.url(), "REDIS_URL": cache.server.url()}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One that is up, for tests that leave it up."""
    with starter(tmp_path_factory.mktemp("running")) as start:
        yield start().wait_up()


def test_it_tells_where_everything_is(running: Up) -> None:
    addresses = running.addresses
    assert set(addresses) == {
        *("api", "engine", "discord", "database", "redis"),
        *("mail", "storage", "stripe", "twitch", "gemini", "sentry"),
    }
    assert addresses["storage"] is None
    assert httpx.get(f"{addresses['mail']}/sandbox/messages", trust_env=False).json() == []
    assert httpx.get(f"{addresses['sentry']}/sandbox/events", trust_env=False).json() == {"events": []}
    assert f"Astero is up: {addresses['api']} (ready after " in running.said
    assert "demo@astero.test" in running.said


@pytest.mark.parametrize(
    ("argument", "code", "words"),
    [("--help", 0, "ASTERO_PORT_BASE"), ("--port=1", 2, "unrecognized arguments: --port=1")],
)
def test_arguments_start_nothing(tmp_path: Path, argument: str, code: int, words: str) -> None:
    command = [sys.executable, "-m", "astero_sandbox.up", argument]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    assert (ran.returncode, words in ran.stdout + ran.stderr) == (code, True)
    assert [*tmp_path.iterdir()] == []


def test_what_holds_secrets_is_private(running: Up) -> None:
    for secret in ("up.json", "secrets.json"):
        assert (running.home / secret).stat().st_mode & 0o777 == 0o600
    assert running.home.stat().st_mode & 0o777 == 0o700
    for word in json.loads((running.home / "secrets.json").read_bytes())["roles"].values():
        assert word not in running.said


def test_a_second_one_in_the_same_home_says_where_the_first_is(running: Up) -> None:
    second = Up(running.home.parent)
    assert second.process.wait() == 1
    assert f"Astero is up already: {running.addresses['api']} (process {running.process.pid}" in second.said


def test_a_taken_port_is_said_before_anything_starts(running: Up, up: Start) -> None:
    taken = int(str(running.addresses["api"]).rpartition(":")[2])
    refused = up(ASTERO_PORT_BASE=str(taken - 1))
    assert refused.process.wait() == 1
    assert f"port {taken} (bot engine)" in refused.said
    assert "ASTERO_PORT_BASE" in refused.said
    assert not (refused.home / "secrets.json").exists()


def test_a_program_that_dies_is_started_again_and_said_so(running: Up) -> None:
    first = Mark.of(running.pid_of("engine"))
    os.kill(running.pid_of("engine"), signal.SIGKILL)
    running.wait_for("engine   was killed by SIGKILL; started again in 0.5 s")
    running.wait_for("serve begins", times=4)
    assert first is not None
    assert not first.is_running()


def test_ctrl_c_leaves_no_process_and_the_next_run_continues_with_the_same_data(up: Start) -> None:
    first = up().wait_up()
    kept = (first.home / "secrets.json").read_bytes()
    with psycopg.connect(str(first.addresses["database"])) as connection:
        # The grants file speaks of every table in public.
        connection.execute("CREATE SCHEMA elsewhere")
        connection.execute("CREATE TABLE elsewhere.kept AS SELECT 7 AS id")
    with redis.Redis.from_url(str(first.addresses["redis"])) as client:
        client.set("kept", "7")
    everything = first.everything()
    assert first.interrupt() == 0
    until(lambda: gone(everything))
    assert not (first.home / "up.json").exists()
    assert list((first.home / "pids").iterdir()) == []

    second = up().wait_up()
    assert (second.home / "secrets.json").read_bytes() == kept
    with psycopg.connect(str(second.addresses["database"])) as connection:
        assert connection.execute("SELECT id FROM elsewhere.kept").fetchall() == [(7,)]
    with redis.Redis.from_url(str(second.addresses["redis"])) as client:
        assert client.get("kept") == b"7"


@pytest.mark.parametrize("moment", ["Sandbox Discord: http", "mute begins"])
def test_ctrl_c_during_the_start_ends_everything(up: Start, databases: dict[str, str], moment: str) -> None:
    starting = up("engine=mute", **databases)
    starting.wait_for(moment)
    everything = starting.everything()
    assert starting.interrupt() == 0
    until(lambda: gone(everything))
    assert "Astero is up" not in starting.said
    assert read_pid_files(starting.home / "pids") == []


def test_kill_9_ends_everything_and_the_next_start_recovers(up: Start) -> None:
    first = up().wait_up()
    everything = first.everything()
    first.process.kill()
    first.process.wait()
    until(lambda: gone(everything))

    second = up().wait_up()
    everything = second.everything()
    # Stopped, it cannot notice that its reaper dies first.
    os.kill(second.process.pid, signal.SIGSTOP)
    for process in everything:
        if "astero_sandbox.reaper" in process.cmdline():
            process.kill()
    second.process.kill()
    second.process.wait()
    assert [mark for mark in read_pid_files(second.home / "pids") if mark.is_running()]

    up().wait_up()
    assert gone(everything)


def test_bad_configuration_ends_everything_with_the_services_own_words(
    up: Start, databases: dict[str, str]
) -> None:
    refused = up("api=refuse", **databases)
    assert refused.process.wait() == 78
    assert "api refused its configuration: JWT_SECRET: is not set" in refused.said
    assert read_pid_files(refused.home / "pids") == []


def test_a_service_that_never_comes_up_ends_everything_with_its_last_lines(
    up: Start, databases: dict[str, str]
) -> None:
    crashing = up("engine=crash", **databases)
    assert crashing.process.wait() == 1
    assert "ended with exit code 3; started again in 1 s" in crashing.said
    assert "engine did not become ready" in crashing.said


@pytest.mark.parametrize("times", [1, 2])
def test_one_that_does_not_hear_is_killed_in_time_or_at_a_second_ctrl_c(
    up: Start, databases: dict[str, str], times: int
) -> None:
    running = up("worker=deaf", **databases).wait_up()
    everything = running.everything()
    engine = psutil.Process(running.pid_of("engine"))
    if times == 2:
        os.killpg(running.process.pid, signal.SIGINT)
        until(lambda: gone([engine]))
    assert running.interrupt() == 0
    assert ("worker   did not end within" in running.said) is (times == 1)
    until(lambda: gone(everything))


def test_a_home_that_cannot_be_private_is_bad_configuration(up: Start, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    for home in (tmp_path / "file" / "home", tmp_path / "file", shared):
        refused = up(ASTERO_HOME=str(home))
        assert refused.process.wait() == 78
        assert f"ASTERO_HOME: {home}" in refused.said
    assert shared.stat().st_mode & 0o7777 == 0o1777
    assert list(shared.iterdir()) == []


def test_an_impossible_port_base_is_bad_configuration(up: Start, tmp_path: Path) -> None:
    refused = up(ASTERO_PORT_BASE="80")
    assert refused.process.wait() == 78
    assert "ASTERO_PORT_BASE" in refused.said
    for value in ("eighty", "65530", "-1"):
        with pytest.raises(PlanRefusedError, match="ASTERO_PORT_BASE"):
            Plan.from_environment({"ASTERO_PORT_BASE": value}, tmp_path)


def test_the_environment_replaces_the_embedded_parts(up: Start, databases: dict[str, str]) -> None:
    theirs = {
        **databases,
        "DISCORD_API_URL": "http://127.0.0.1:9/api/v10",
        "DISCORD_BOT_TOKEN": "a-real-token",
        "SMTP_URL": "smtps://a:b@mail.example.org",
        "MAIL_FROM": "mail@example.org",
        "SENTRY_DSN": "http://key@127.0.0.1:9/1",
    }
    running = up(**theirs).wait_up()
    assert running.addresses["database"] == theirs["DATABASE_URL"]
    assert running.addresses["redis"] == theirs["REDIS_URL"]
    assert running.addresses["discord"] is None
    assert running.addresses["mail"] is None
    assert running.addresses["sentry"] is None
    run_here = sorted(path.stem for path in (running.home / "pids").iterdir())
    assert run_here == ["api", "engine", "webhooks", "worker"]
    engine = psutil.Process(running.pid_of("engine")).environ()
    assert engine["DISCORD_BOT_TOKEN"] == "a-real-token"
    assert engine["SENTRY_DSN"] == theirs["SENTRY_DSN"]
    assert engine["DISCORD_API_URL"] == theirs["DISCORD_API_URL"]
    worker = psutil.Process(running.pid_of("worker")).environ()
    assert worker["SMTP_URL"] == theirs["SMTP_URL"]
    assert worker["MAIL_FROM"] == theirs["MAIL_FROM"]
    assert "SMTP_CA_FILE" not in worker
    assert running.interrupt() == 0
    with psycopg.connect(theirs["DATABASE_URL"]) as admin:
        roles = admin.execute("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'astero%'").fetchone()
    assert roles is not None
    assert roles[0] >= 4


def test_a_database_that_does_not_answer_is_said_without_its_password(up: Start) -> None:
    refused = up(DATABASE_URL="postgresql://root:hunter2hunter2@127.0.0.1:9/x")
    assert refused.process.wait() == 1
    assert "astero migrate apply ended with" in refused.said
    assert "hunter2" not in refused.said
