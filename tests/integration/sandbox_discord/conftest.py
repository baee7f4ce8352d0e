"""A sandbox Discord in a process of its own, and the real discord.py pointed at it."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import discord
import discord.gateway
import discord.http
import httpx
import pytest
import yarl

START_SECONDS = 20.0


@dataclass
class Server:
    """The running process and its control API."""

    process: subprocess.Popen[str]
    url: str
    control: httpx.AsyncClient

    async def post(self, path: str, /, **body: Any) -> Any:
        return await self.ask("POST", path, body)

    async def get(self, path: str) -> Any:
        return await self.ask("GET", path, None)

    async def ask(self, method: str, path: str, body: Any) -> Any:
        answer = await self.control.request(method, f"/sandbox{path}", json=body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def fault(self, kind: str, **details: Any) -> Any:
        return await self.ask("POST", "/faults", {"kind": kind} | details)

    def rest(self, token: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"{self.url}/api/v10", headers={"Authorization": f"Bot {token}"})


@dataclass
class House:
    """One application in one server with an owner and a member."""

    server: Server
    application_id: str
    token: str
    guild_id: str
    general: str
    mod_log: str
    owner: str
    nova: str
    roles: dict[str, str] = field(default_factory=dict)

    async def say(self, content: str, *, user: str | None = None) -> Any:
        path = f"/channels/{self.general}/messages"
        return await self.server.post(path, userId=user or self.nova, content=content)

    async def member(self, user_id: str) -> Any:
        guild = await self.server.get(f"/guilds/{self.guild_id}")
        return next((item for item in guild["members"] if item["userId"] == user_id), None)


def start(*arguments: str) -> subprocess.Popen[str]:
    port = () if "--port" in arguments else ("--port", "0")
    return subprocess.Popen(  # noqa: S603 (our own module)
        [sys.executable, "-m", "astero_sandbox.discord", *port, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Sandbox Discord: "), line
    return line.removeprefix("Sandbox Discord: ").strip()


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
    if process.stdout is not None:
        process.stdout.close()


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """One process a test file; the window between identifies is off, as tests connect at once."""
    process = start("--identify-window", "0", "--heartbeat-ms", "5000")
    try:
        yield process, address_of(process)
    finally:
        stop(process)


@pytest.fixture
async def server(running: tuple[subprocess.Popen[str], str]) -> AsyncIterator[Server]:
    process, url = running
    async with httpx.AsyncClient(base_url=url, timeout=30) as control:
        yield Server(process, url, control)
        await control.post("/sandbox/faults", json={"kind": "clear"})


async def make_house(server: Server, **application: Any) -> House:
    app = await server.post("/applications", **{"name": "Astero", **application})
    owner = (await server.post("/users", username="alex", email="alex@example.test"))["userId"]
    nova = (await server.post("/users", username="nova"))["userId"]
    guild = await server.post("/guilds", name="Home", ownerId=owner)
    members = f"/guilds/{guild['guildId']}/members"
    await server.post(members, userId=nova)
    await server.post(members, applicationId=app["applicationId"])
    channels = {item["name"]: item["id"] for item in guild["channels"]}
    return House(
        server=server,
        application_id=app["applicationId"],
        token=app["botToken"],
        guild_id=guild["guildId"],
        general=channels["general"],
        mod_log=channels["mod-log"],
        owner=owner,
        nova=nova,
        roles={item["name"]: item["id"] for item in guild["roles"]},
    )


@pytest.fixture
async def house(server: Server) -> House:
    return await make_house(server)


class Bot(discord.Client):
    """Writes down what it hears; `heard(name)` waits for the next event of that name."""

    def __init__(self, intents: discord.Intents | None = None) -> None:
        super().__init__(
            intents=intents or discord.Intents(guilds=True, messages=True, message_content=True),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            enable_debug_events=True,
        )
        self.tree = discord.app_commands.CommandTree(self)
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.messages: list[discord.Message] = []
        self.resumes = 0
        self.failed: asyncio.Future[discord.DiscordException] = asyncio.Future()

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        super().dispatch(event, *args, **kwargs)
        if event == "message":
            self.messages.append(args[0])
        if event == "resumed":
            self.resumes += 1
        if not event.startswith("socket"):
            self.events.put_nowait((event, args[0] if args else None))

    async def heard(self, name: str) -> Any:
        async with asyncio.timeout(60):
            while True:
                event, value = await self.events.get()
                if event == name:
                    return value

    async def messages_heard(self, count: int) -> list[str]:
        """The texts of all messages so far, once there are `count`."""
        while len(self.messages) < count:
            await self.heard("message")
        return [message.content for message in self.messages]

    async def failure(self) -> discord.DiscordException:
        """What ended the client."""
        async with asyncio.timeout(60):
            return await self.failed


Running = tuple[subprocess.Popen[str], str]
BotStarter = Callable[..., Awaitable[Bot]]


@pytest.fixture
async def connect(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BotStarter]:
    """Start a Bot with a token and wait for READY (`wait=False`: only start it)."""
    monkeypatch.setattr(discord.http.Route, "BASE", f"{server.url}/api/v10")
    gateway = yarl.URL(server.url.replace("http", "ws") + "/")
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
    running: list[tuple[Bot, asyncio.Task[None]]] = []

    async def begin(
        token: str, *, intents: discord.Intents | None = None, bot: Bot | None = None, wait: bool = True
    ) -> Bot:
        bot = bot or Bot(intents)
        bot._connection.guild_ready_timeout = 0.05

        async def run() -> None:
            try:
                await bot.start(token)
            except discord.DiscordException as error:
                bot.failed.set_result(error)

        task = asyncio.create_task(run())
        running.append((bot, task))
        if wait:
            await bot.heard("ready")
        return bot

    yield begin
    for bot, task in running:
        await bot.close()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "discord.json"
