"""Two services that write to one audit log, and an operator who reads it."""

from collections.abc import AsyncIterator

import pytest
from click.testing import Result
from sqlalchemy.ext.asyncio import AsyncEngine
from support.audit import Verify
from support.stack import Database
from typer.testing import CliRunner

from astero_ops.__main__ import app
from astero_shared.db.engine import create_engine
from astero_shared.settings import Secret


@pytest.fixture
async def api(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(Secret(database.api), application="test-api", pool_size=25)
    yield engine
    await engine.dispose()


@pytest.fixture
async def bot_engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(Secret(database.bot_engine), application="test-engine", pool_size=25)
    yield engine
    await engine.dispose()


@pytest.fixture
def verify(database: Database) -> Verify:
    """`astero audit verify …` as an operator runs it."""

    def run(*arguments: str, key: str | None = None) -> Result:
        environment = {"DATABASE_URL": database.migrator, "ENCRYPTION_KEY": key}
        return CliRunner().invoke(app, ["audit", "verify", *arguments], env=environment)

    return run
