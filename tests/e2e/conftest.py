"""One running Astero for all tests of a worker, one bot for a file, a server and its people for each test."""

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
    # After everything, the end of every program included.
    assert house.leaks() == []


@pytest.fixture(scope="module")
def owner(house: House) -> Iterator[Owner]:
    """Signed in. One for a file: what one user may change in a minute is limited."""
    owner = Owner.from_discord(house)
    yield owner
    owner.close()


@pytest.fixture(scope="module")
def bot(owner: Owner) -> HostedBot:
    """A branded bot that is online and hears messages.

    Its first rule was switched on in a server of its own: Discord lets a bot identify once in five seconds,
    and reading messages takes a second identify.
    """
    bot = HostedBot.create(owner, new_application(owner.house))
    bot.wait_state("online")
    lounge = Server(owner.house, "Lounge")
    bot.enter(lounge)
    bot.change(lounge, words={"enabled": True, "words": ["rumpelstilz"]})
    bot.wait_listening(lounge, "rumpelstilz")
    return bot


@pytest.fixture(scope="session")
def shared_bot_listens(house: House) -> None:
    """The shared bot hears messages, as `bot` does."""
    lounge = Server(house, "Shared lounge")
    bot = HostedBot.shared(house, lounge)
    bot.change(lounge, words={"enabled": True, "words": ["rumpelstilz"]})
    bot.wait_listening(lounge, "rumpelstilz")
    bot.owner.close()


@pytest.fixture
def server(bot: HostedBot) -> Server:
    """The bot is in it, nothing is configured."""
    server = Server(bot.house)
    bot.enter(server)
    return server
