"""The api, and a TLS consumer on this machine that it may call."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from support.api import browser, environment, running_api
from support.consumer import Authority, Consumer, consuming
from support.stack import Database
from support.webhooks import Manager

from astero_api.web.edge import Edge
from astero_sandbox.valkey import Valkey
from astero_shared.db.engine import create_engine
from astero_shared.settings import Secret


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def consumer(authority: Authority) -> AsyncIterator[Consumer]:
    async with consuming(authority) as found:
        yield found


@pytest.fixture
def api_environment(
    database: Database, valkey: str, valkey_server: Valkey, consumer: Consumer
) -> dict[str, str]:
    assert valkey, "asking for it empties the server afterwards"
    return environment(
        database_url=database.api,
        redis_url=valkey_server.url("api"),
        ASTERO_SSRF_TEST_ALLOW=consumer.allowed,
    )


@pytest.fixture
async def api(api_environment: dict[str, str]) -> AsyncIterator[Edge]:
    async with running_api(api_environment) as edge:
        yield edge


@pytest.fixture
async def client(api: Edge) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(api) as found:
        yield found


@pytest.fixture
async def manager(client: httpx.AsyncClient, database: Database) -> Manager:
    return await Manager.settle_in(client, database)


@pytest.fixture
async def as_api(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(Secret(database.api), application="test-api")
    yield engine
    await engine.dispose()


@pytest.fixture
async def as_engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(Secret(database.bot_engine), application="test-engine")
    yield engine
    await engine.dispose()
