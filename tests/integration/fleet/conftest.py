"""One sandbox Discord a file, one database a test."""

from collections.abc import AsyncIterator, Iterator

import pytest
from support.discord_sandbox import DiscordSandbox, running_sandbox
from support.fleet import FleetDatabase, new_keyring
from support.stack import Database


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    with running_sandbox("--identify-window", "0", "--no-rate-limits") as url:
        yield url


@pytest.fixture
async def discord(sandbox_url: str) -> AsyncIterator[DiscordSandbox]:
    sandbox = DiscordSandbox(sandbox_url)
    yield sandbox
    await sandbox.fault("clear")
    await sandbox.close()


@pytest.fixture
def rows(database: Database) -> FleetDatabase:
    return FleetDatabase(database.admin, database.bot_engine, new_keyring())
