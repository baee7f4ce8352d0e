"""The api on a database of its own."""

from collections.abc import AsyncIterator

import httpx
import pytest
from support.api import browser, environment, running_api
from support.stack import Database

from astero_api.web.edge import Edge
from astero_sandbox.valkey import Valkey


@pytest.fixture
def api_environment(database: Database, valkey: str, valkey_server: Valkey) -> dict[str, str]:
    assert valkey, "asking for it empties the server afterwards"
    return environment(database_url=database.api, redis_url=valkey_server.url("api"))


@pytest.fixture
async def api(api_environment: dict[str, str]) -> AsyncIterator[Edge]:
    async with running_api(api_environment) as edge:
        yield edge


@pytest.fixture
async def client(api: Edge) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(api) as found:
        yield found
