"""`astero ban`, as an operator or fail2ban runs it, against the Valkey of a running api."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator

import httpx
import pytest
import redis
from support.api import browser, environment, running_api
from support.stack import Database
from typer.testing import CliRunner

from astero_ops.__main__ import app
from astero_sandbox.valkey import Valkey

ADDRESS = "203.0.113.7"


class Astero:
    """The command with its environment, in this process."""

    def __init__(self, redis_url: str) -> None:
        self.environment = {
            "REDIS_URL": redis_url,
            "OWN_NETWORKS": "198.51.100.64/26, 2001:db8:5::/48",
            "TRUSTED_PROXIES": "192.0.2.10",
        }

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """Exit code, and everything it said."""
        done = CliRunner().invoke(app, ["ban", *arguments], env=self.environment)
        return done.exit_code, done.output


@pytest.fixture
def astero(valkey: str, valkey_server: Valkey) -> Astero:
    assert valkey
    # with no more rights than the api has
    return Astero(valkey_server.url("api"))


@pytest.fixture
async def client(
    astero: Astero, database: Database, valkey_server: Valkey
) -> AsyncIterator[httpx.AsyncClient]:
    assert astero
    env = environment(database_url=database.api, redis_url=valkey_server.url("api"))
    async with running_api(env) as edge, browser(edge, address=ADDRESS) as found:
        yield found


async def status(client: httpx.AsyncClient) -> int:
    return (await client.get("/api/health/live")).status_code


async def test_who_is_shut_out_is_and_comes_back(astero: Astero, client: httpx.AsyncClient) -> None:
    assert await status(client) == 200
    assert astero("add", ADDRESS, "--seconds", "300") == (0, "203.0.113.7/32 is shut out for 300 s\n")
    assert await status(client) == 403
    code, listed = astero("list")
    assert code == 0
    address, seconds = listed.split()
    assert (address, 290 <= int(seconds) <= 300) == (ADDRESS, True)
    assert astero("remove", ADDRESS) == (0, "203.0.113.7/32 is let in again\n")
    assert await status(client) == 200
    assert astero("remove", ADDRESS) == (0, "203.0.113.7/32 was not shut out\n")


async def test_a_whole_street_is_shut_out_at_once(astero: Astero, client: httpx.AsyncClient) -> None:
    assert astero("add", "203.0.113.0/28")[0] == 0
    assert await status(client) == 403
    assert len(astero("list")[1].splitlines()) == 16
    assert astero("remove", "203.0.113.0/28")[0] == 0
    assert astero("list") == (0, "")


async def test_flushall_lets_everybody_in(astero: Astero, client: httpx.AsyncClient, valkey: str) -> None:
    assert astero("add", ADDRESS)[0] == 0
    assert await status(client) == 403
    with redis.Redis.from_url(valkey) as server:
        server.flushall()
    assert await status(client) == 200


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.0.0/24",
        "::1",
        "104.16.0.1",  # the edge
        "2606:4700::1",
        "198.51.100.70",  # our own
        "198.51.100.0/24",
        "2001:db8:5::1",
        "192.0.2.10",  # our proxy
        "203.0.112.0/23",  # too many
        "2001:db8:1::/48",
        "0.0.0.0/0",
    ],
)
def test_what_can_never_be_shut_out_is_refused(astero: Astero, address: str) -> None:
    code, said = astero("add", address)
    assert code == 4
    assert said.startswith("refused: ")
    assert astero("list") == (0, "")


def test_what_was_never_shut_out_may_be_let_in(astero: Astero) -> None:
    # fail2ban asks for it after a ban that was refused
    assert astero("remove", "104.16.0.1") == (0, "104.16.0.1/32 was not shut out\n")


@pytest.mark.parametrize("address", ["", "x", "203.0.113.7 --seconds 1", "$(id)", "203.0.113.7/24"])
def test_what_is_no_address_is_a_slip(astero: Astero, address: str) -> None:
    assert astero("add", address)[0] == 2
    assert astero("list") == (0, "")


@pytest.mark.parametrize("seconds", ["0", "-1", "2592001", "x"])
def test_no_ban_is_for_ever(astero: Astero, seconds: str) -> None:
    assert astero("add", ADDRESS, "--seconds", seconds)[0] == 2


def test_a_server_that_is_away_is_told() -> None:
    code, said = Astero("redis://127.0.0.1:1/0")("add", ADDRESS)
    assert code == 4
    assert "ConnectionError" in said


def test_a_missing_address_of_redis_is_bad_configuration() -> None:
    assert Astero("")("add", ADDRESS) == (78, "configuration: REDIS_URL: is required\n")


def test_as_a_program(astero: Astero) -> None:
    command = [sys.executable, "-m", "astero_ops", "ban", "add", "10.0.0.9"]
    environment = {"PATH": os.environ["PATH"], **astero.environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "refused: 10.0.0.9/32 lies in our own networks\n"
