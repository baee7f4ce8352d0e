"""The stack that tests and the benchmark break on purpose, here with stand-ins for the services."""

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from support.up import until

from astero_sandbox.control import Control
from astero_sandbox.stack import Stack
from astero_sandbox.temporary import running_stack

_STAND_IN = Path(__file__).parents[2] / "support" / "stand_in_service.py"
_COMMANDS = {
    name: (sys.executable, str(_STAND_IN), "serve") for name in ("api", "worker", "engine", "engine-2")
}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(engines=2, commands=_COMMANDS) as stack:
        assert stack.credentials.world is not None
        # Discord writes once a second: one that is killed before has forgotten its bots
        kept, bot = stack.plan.home / "discord.json", stack.credentials.world.branded.bot_token
        until(lambda: kept.exists() and bot in kept.read_text())
        yield stack
        everything = [psutil.Process(part.pid) for part in stack.parts.values() if part.pid]
    assert len(everything) == 10
    assert not [process for process in everything if process.is_running()]
    assert not stack.plan.home.exists()


def test_every_part_answers(stack: Stack) -> None:
    assert all(part.is_ready() for part in stack.parts.values())
    assert [part.name for part in stack.engines] == ["engine", "engine-2"]
    assert stack.engines[0].url != stack.engines[1].url


def test_each_service_has_its_own_login(stack: Stack) -> None:
    with psycopg.connect(stack.connections.database.bot_engine) as engine:
        assert engine.execute("SELECT current_user").fetchone() == ("astero_bot_engine",)
    with redis.Redis.from_url(stack.connections.redis_api) as api:
        api.set("api:x", 1)
        with pytest.raises(redis.exceptions.NoPermissionError):
            api.set("other:x", 1)


def test_both_bots_are_in_the_demo_server_with_its_people(stack: Stack) -> None:
    world = stack.credentials.world
    assert world is not None
    with Control(stack.discord_url) as control:
        assert control.accepts_token(world.shared.bot_token)
        assert control.accepts_token(world.branded.bot_token)
        assert not control.accepts_token("made up")


@pytest.mark.parametrize(
    "name", ["postgres", "valkey", "discord", "mail", "sentry", "webhooks", "api", "engine-2"]
)
def test_a_killed_part_comes_back_by_itself(stack: Stack, name: str) -> None:
    part = stack.parts[name]
    before = part.pid
    part.kill()
    part.wait_gone(before)
    part.wait_ready()
    assert part.pid != before


def test_a_stopped_part_stays_down_and_can_be_started(stack: Stack) -> None:
    stack.postgres.stop()
    assert stack.postgres.pid is None
    assert not stack.postgres.is_ready()
    stack.postgres.start()
    stack.postgres.wait_ready()
