"""The deployed process: its end and its port."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
from support.api import environment
from support.api_process import running_process
from support.stack import Database

from astero_sandbox.valkey import Valkey

_MISCONFIGURED = 78  # EX_CONFIG in sysexits.h


@pytest.fixture
def env(database: Database, valkey: str, valkey_server: Valkey) -> dict[str, str]:
    assert valkey
    return environment(database_url=database.api, redis_url=valkey_server.url("api"))


def test_no_worker_outlives_a_main_process_that_is_killed(env: dict[str, str]) -> None:
    with running_process(env | {"API_WORKERS": "3"}) as api:
        workers = psutil.Process(api.pid).children()
        assert len(workers) >= 3
        os.kill(api.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(workers, timeout=60)
        assert not alive
        with running_process(env | {"API_PORT": str(api.port)}):
            pass


def test_a_second_api_on_one_port_says_so_and_ends(env: dict[str, str]) -> None:
    with running_process(env) as first:
        assert (
            refusal(env | {"API_PORT": str(first.port)})
            == "API_PORT: cannot be bound: Address already in use"
        )


def test_an_address_that_is_not_this_machines_is_named(env: dict[str, str]) -> None:
    # for documentation (RFC 5737)
    wrong = env | {"API_HOST": "203.0.113.9", "API_PORT": "8000"}
    assert refusal(wrong) == "API_HOST: cannot be bound: Cannot assign requested address"


def refusal(env: dict[str, str]) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "astero_api"],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == _MISCONFIGURED
    return ended.stderr.strip().removeprefix("configuration: ")
