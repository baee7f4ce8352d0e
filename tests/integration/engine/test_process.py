"""How the process begins and ends: what it refuses to start with, and what it says then."""

import asyncio
import subprocess
import sys
import time

import pytest
from support.engine import EngineProcess, query


def run(process: EngineProcess, **changes: str) -> subprocess.CompletedProcess[str]:
    """To its end; for environments with which it does not start."""
    environment = {**process.environment, **changes}
    return subprocess.run(
        [sys.executable, "-m", "astero_bot_engine"],
        env={name: value for name, value in environment.items() if value},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_bad_configuration_is_named_and_its_value_is_not(process: EngineProcess) -> None:
    ended = run(process, BOT_ENGINE_SECRET="too-short-hunter2")
    assert ended.returncode == 78
    (line,) = ended.stderr.splitlines()
    assert line.startswith("configuration: BOT_ENGINE_SECRET: ")
    assert "hunter2" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("role", ["migrator", "admin"])
def test_it_refuses_to_run_with_the_rights_of_an_owner(process: EngineProcess, role: str) -> None:
    ended = run(process, DATABASE_URL=getattr(process.database, role))
    assert ended.returncode == 78
    assert ended.stderr.startswith("configuration: DATABASE_URL: role ")


def test_a_taken_address_is_named(process: EngineProcess) -> None:
    process.start()
    while not process.logged("engine started"):
        assert process.alive
        time.sleep(0.05)
    ended = run(process, ENGINE_BIND=f"127.0.0.1:{process.port}")
    assert ended.returncode == 78
    assert ended.stderr.startswith("configuration: ENGINE_BIND: cannot be bound")


async def test_it_ends_well_when_it_is_told_to(process: EngineProcess) -> None:
    process.start()
    while not process.logged("engine started"):
        assert process.alive
        await asyncio.sleep(0.05)
    assert process.stop() == 0
    assert process.log()[-1]["msg"] == "engine stopped"
    assert await query(process.database, "SELECT 1 FROM engines") == []
    secrets = [process.secret, process.environment["ENCRYPTION_KEY"].partition(":")[2]]
    assert not [line for line in process.log() for secret in secrets if secret in str(line)]
