"""One running Astero for all tests of a worker; each test has its own bot, server and people."""

from collections.abc import Iterator

import pytest
from support.hosted import HostedBot, new_application
from support.house import House, running_house
from support.owner import Owner
from support.server import Server


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    with running_house() as house:
        yield house


@pytest.fixture(scope="module")
def owner(house: House) -> Iterator[Owner]:
    """Signed in. One for a file: an account costs two seconds of bcrypt."""
    owner = Owner(house)
    owner.register()
    owner.log_in()
    yield owner
    owner.close()


@pytest.fixture
def server(house: House) -> Server:
    return Server(house)


@pytest.fixture
def bot(owner: Owner, server: Server) -> HostedBot:
    """A branded bot, online in the test's server."""
    bot = HostedBot.create(owner, new_application(owner.house))
    bot.wait_state("online")
    bot.enter(server)
    return bot
