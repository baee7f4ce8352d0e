"""The api in this process, its worker run on demand, and a mail server that both reach."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from support.api import browser, environment, running_api
from support.mail import MailSandbox, running_mail
from support.office import Office, running_office
from support.stack import Database

from astero_api.web.edge import Edge
from astero_sandbox.valkey import Valkey


@pytest.fixture(scope="session")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailSandbox]:
    with running_mail(tmp_path_factory.mktemp("mail")) as server:
        yield server


@pytest.fixture
def mail(mail_server: MailSandbox) -> Iterator[MailSandbox]:
    yield mail_server
    mail_server.clear()


@pytest.fixture
def api_environment(
    database: Database, valkey: str, valkey_server: Valkey, mail: MailSandbox
) -> dict[str, str]:
    assert valkey, "asking for it empties the server afterwards"
    return environment(database_url=database.api, redis_url=valkey_server.url("api"), **mail.environment)


@pytest.fixture
async def api(api_environment: dict[str, str]) -> AsyncIterator[Edge]:
    async with running_api(api_environment) as edge:
        yield edge


@pytest.fixture
async def office(api_environment: dict[str, str], database: Database) -> AsyncIterator[Office]:
    async with running_office(database, api_environment) as found:
        yield found


@pytest.fixture
async def client(api: Edge) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(api) as found:
        yield found
