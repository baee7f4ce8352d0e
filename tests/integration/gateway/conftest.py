"""Hosted bots on a sandbox Discord or on the feeder, all on one transport as in the engine."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from discord.http import Route
from support import feeder
from support.discord_sandbox import DiscordSandbox, running_sandbox

from astero_bot_engine.dispatch.events import RawEvent
from astero_bot_engine.dispatch.guard import Guard
from astero_bot_engine.dispatch.interest import Interest
from astero_bot_engine.dispatch.listeners import Listeners
from astero_bot_engine.dispatch.queue import FairQueue
from astero_bot_engine.dispatch.router import Router
from astero_bot_engine.gateway.backoff import Backoff
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.heartbeat import HeartbeatScheduler
from astero_bot_engine.gateway.intents import GUILD_MESSAGES, MESSAGE_CONTENT
from astero_bot_engine.gateway.outcomes import FinalOutcome, Outcome
from astero_bot_engine.gateway.rest import RestTransport
from astero_bot_engine.gateway.session import SavedSession

NEEDS: Mapping[str, int] = {"automod": GUILD_MESSAGES | MESSAGE_CONTENT}


class Hosted:
    """A running bot, what it reported and what its listener heard."""

    def __init__(self, client: BotClient, interest: Interest) -> None:
        self.client = client
        self.interest = interest
        self.events: list[RawEvent] = []
        self.run: asyncio.Task[FinalOutcome]
        self._outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        self._heard = asyncio.Condition()

    def report(self, outcome: Outcome) -> None:
        self._outcomes.put_nowait(outcome)

    async def reported(self, kind: type[Any]) -> Any:
        """The next outcome of this kind; others are passed over."""
        while True:
            outcome = await self._outcomes.get()
            if isinstance(outcome, kind):
                return outcome

    async def heard(self, count: int) -> list[str]:
        """The contents of the messages, once there are `count` of them."""
        while len(self.events) < count:  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(0.01)
        return [event.decode(dict)["content"] for event in self.events]

    async def stop(self, *, keep_session: bool) -> FinalOutcome:
        self.client.stop(keep_session=keep_session)
        return await self.run


class Engine:
    """What the bots of one engine share."""

    def __init__(self, api_url: str) -> None:
        self.guard = Guard()
        self.transport = RestTransport(api_url=api_url, watch=self.guard)
        self.heartbeats = HeartbeatScheduler()
        self.queue = FairQueue()
        self.listeners = Listeners()
        self.bots: dict[UUID, Hosted] = {}
        self.gateway_url: str | None = None
        self.listeners.when_active(
            "automod", "MESSAGE_CREATE", lambda event: self.bots[event.bot.bot_id].events.append(event)
        )

    async def admit(self, bot: BotClient) -> str:
        # Asked once: discord.py makes the caller that empties this bucket (2 in 5 s) wait it out.
        if self.gateway_url is None:
            answer: Any = await bot.http.request(Route("GET", "/gateway/bot"))
            self.gateway_url = answer["url"]
        return self.gateway_url

    def start(
        self,
        token: str,
        *guild_ids: int,
        needs: Mapping[str, int] = NEEDS,
        saved: SavedSession | None = None,
        admit: Callable[[BotClient], Any] | None = None,
    ) -> Hosted:
        bot_id = uuid4()
        interest = Interest(self.listeners)
        for guild_id in guild_ids:
            interest.set_modules(guild_id, ["automod"])
        client = BotClient(
            bot_id=bot_id,
            transport=self.transport,
            heartbeats=self.heartbeats,
            router=Router(
                self.listeners,
                interest,
                self.queue.lane(bot_id),
                active_in=lambda guild_id: ["automod"] if guild_id in guild_ids else [],
            ),
            admit=admit or self.admit,
            report=lambda _, outcome: hosted.report(outcome),
            needs=needs,
            saved=saved,
            # Real backoff is told in seconds; a test has none to spare.
            backoff=Backoff(base=0.01, rng=random.Random(1)),  # noqa: S311
        )
        hosted = self.bots[bot_id] = Hosted(client, interest)
        hosted.run = asyncio.create_task(client.run_until_stopped(token))
        return hosted

    async def close(self) -> None:
        for hosted in self.bots.values():
            hosted.client.stop(keep_session=False)
        await asyncio.gather(*(hosted.run for hosted in self.bots.values()), return_exceptions=True)
        self.heartbeats.close()
        await self.transport.close()


@pytest.fixture(scope="module")
def sandbox_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """One process a file, with no window between identifies; parameters are further options."""
    with running_sandbox("--identify-window", "0", "--no-rate-limits", *getattr(request, "param", ())) as url:
        yield url


@pytest.fixture
async def discord(sandbox_url: str) -> AsyncIterator[DiscordSandbox]:
    sandbox = DiscordSandbox(sandbox_url)
    yield sandbox
    await sandbox.fault("clear")
    await sandbox.close()


@pytest.fixture
async def engine(discord: DiscordSandbox) -> AsyncIterator[Engine]:
    engine = Engine(discord.api_url)
    yield engine
    await engine.close()


@pytest.fixture
async def feed() -> AsyncIterator[feeder.Feeder]:
    fed, runner = await feeder.start()
    yield fed
    await runner.cleanup()


@pytest.fixture
async def fed_engine(feed: feeder.Feeder) -> AsyncIterator[Engine]:
    engine = Engine(f"http://127.0.0.1:{feed.port}/api/v10")
    yield engine
    await engine.close()
