"""A sandbox server with people and an engine process that hosts the shared bot there."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.discord_sandbox import DiscordSandbox, running_sandbox
from support.engine import EngineProcess, query, until
from support.scene import Scene
from support.stack import Database

from astero_shared.features.bots.tables import SHARED_BOT_ID


@pytest.fixture(scope="session")
def discord_url() -> Iterator[str]:
    """One Discord for all tests: each makes its own application, people and server."""
    with running_sandbox("--identify-window", "0.1") as url:
        yield url


@pytest.fixture
async def discord(discord_url: str) -> AsyncIterator[DiscordSandbox]:
    sandbox = DiscordSandbox(discord_url)
    yield sandbox
    await sandbox.close()


@pytest.fixture
async def scene(discord: DiscordSandbox) -> Scene:
    scene = Scene(await discord.community())
    await scene.guild()
    return scene


@pytest.fixture
def process(database: Database, scene: Scene, tmp_path: Path) -> Iterator[EngineProcess]:
    """Not started yet."""
    community = scene.community
    engine = EngineProcess(
        database, api_url=community.discord.api_url, token=community.token, folder=tmp_path
    )
    yield engine
    engine.stop()
    # Shown by pytest when the test failed.
    sys.stdout.writelines(f"{line}\n" for line in engine.log())


@pytest.fixture
async def engine(process: EngineProcess, scene: Scene) -> EngineProcess:
    """Running, with the shared bot online in the scene's server and the server in the database."""
    process.start()
    await process.online()
    await until(
        lambda: query(
            process.database,
            "SELECT 1 FROM installations WHERE bot_id = %s AND guild_id = %s",
            [SHARED_BOT_ID, scene.guild_id],
        )
    )
    return process
