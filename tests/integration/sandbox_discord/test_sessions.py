"""Time and quotas of the gateway, on a server with short ones, and events of a server's own changes."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest

from astero_sandbox.discord.gateway.session import REPLAY_EVENTS

from .conftest import BotStarter, House, Server, address_of, make_house, start, stop


@pytest.fixture
async def hasty(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """On a server with these options."""
    process = start(*request.param)
    try:
        url = address_of(process)
        async with httpx.AsyncClient(base_url=url, timeout=30) as control:
            yield await make_house(Server(process, url, control))
    finally:
        stop(process)


class Socket:
    """A gateway connection that only does what it is told."""

    def __init__(self, house: House, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._house = house
        self._socket = socket

    async def identify(self, intents: int = 1) -> None:
        await self.send(2, {"token": self._house.token, "intents": intents, "properties": {}})

    async def send(self, op: int, data: Any) -> None:
        await self._socket.send_json({"op": op, "d": data})

    async def frame(self, op: int, name: str | None = None) -> dict[str, Any]:
        """The next frame of that kind."""
        async with asyncio.timeout(60):
            while True:
                frame = await self._socket.receive_json()
                if frame["op"] == op and frame["t"] == name:
                    return frame

    async def close_code(self) -> int | None:
        async with asyncio.timeout(60):
            while (await self._socket.receive()).type not in (
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.CLOSED,
            ):
                pass
        return self._socket.close_code

    async def leave(self) -> None:
        await self._socket.close(code=4000)


@pytest.fixture
async def sockets() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def dial(house: House, session: aiohttp.ClientSession) -> Socket:
    return Socket(house, await session.ws_connect(f"{house.server.url}/?v=10&encoding=json"))


@pytest.mark.parametrize("hasty", [("--heartbeat-ms", "500")], indirect=True, ids=["beats"])
async def test_a_client_that_stops_beating_is_sent_away_and_its_session_with_it(
    hasty: House, sockets: aiohttp.ClientSession
) -> None:
    socket = await dial(hasty, sockets)
    await socket.identify()
    ready = (await socket.frame(0, "READY"))["d"]
    assert await socket.close_code() == 4009
    again = await dial(hasty, sockets)
    await again.send(6, {"token": hasty.token, "session_id": ready["session_id"], "seq": 1})
    assert (await again.frame(9))["d"] is False


@pytest.mark.parametrize("hasty", [("--identify-window", "2")], indirect=True, ids=["window"])
async def test_the_second_identify_of_a_window_is_refused_late_and_costs_nothing(
    hasty: House, sockets: aiohttp.ClientSession
) -> None:
    first, second = await dial(hasty, sockets), await dial(hasty, sockets)
    started = time.monotonic()
    await first.identify()
    await first.frame(0, "READY")
    await second.identify()
    assert (await second.frame(9))["d"] is False
    # when the window is over
    assert time.monotonic() - started > 1.9
    async with hasty.server.rest(hasty.token) as rest:
        limit = (await rest.get("/gateway/bot")).json()["session_start_limit"]
    assert limit["remaining"] == 999


async def test_the_identify_after_the_last_one_costs_the_token(
    house: House, sockets: aiohttp.ClientSession
) -> None:
    path = f"/applications/{house.application_id}"
    await house.server.ask("PATCH", path, {"identifiesLeft": 1})
    socket = await dial(house, sockets)
    await socket.identify()
    await socket.frame(0, "READY")
    last = await dial(house, sockets)
    await last.identify()
    assert await last.close_code() == 4004
    assert (await house.server.get(path))["botToken"] != house.token


async def test_more_events_than_are_kept_cannot_be_resumed(
    house: House, sockets: aiohttp.ClientSession
) -> None:
    async def resumed_after(count: int) -> int:
        """The opcode that answers a RESUME after that many missed messages."""
        socket = await dial(house, sockets)
        await socket.identify(intents=1 | 1 << 9)
        ready = await socket.frame(0, "READY")
        seq = (await socket.frame(0, "GUILD_CREATE"))["s"]
        await socket.leave()
        path = f"/channels/{house.general}/flood"
        await house.server.post(path, userId=house.nova, content="x", count=count)
        again = await dial(house, sockets)
        session_id = ready["d"]["session_id"]
        await again.frame(10)
        await again.send(6, {"token": house.token, "session_id": session_id, "seq": seq})
        frame = await again._socket.receive_json()
        await again.leave()
        return frame["op"]

    assert await resumed_after(REPLAY_EVENTS) == 0
    assert await resumed_after(REPLAY_EVENTS + 1) == 9


async def test_slow_frames_arrive_late(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    await house.server.fault("gateway_latency", applicationId=house.application_id, seconds=0.3)
    started = time.monotonic()
    await house.say("slow")
    await bot.heard("message")
    assert time.monotonic() - started >= 0.3


async def test_a_flood_arrives_whole_and_in_order(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    path = f"/channels/{house.general}/flood"
    contents = [str(number) for number in range(3000)]
    done = await house.server.post(path, userId=house.nova, contents=contents, count=3000)
    assert done["count"] == 3000
    assert await bot.messages_heard(3000) == contents


async def test_changes_of_the_server_reach_the_bot(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    guild = f"/guilds/{house.guild_id}"
    await house.server.ask("PATCH", guild, {"name": "New home", "ownerId": house.nova})
    await bot.heard("guild_update")
    here = bot.get_guild(int(house.guild_id))
    assert here is not None
    assert (here.name, here.owner_id) == ("New home", int(house.nova))
    role = await house.server.post(f"{guild}/roles", name="Quiet", permissions=0)
    assert (await bot.heard("guild_role_create")).name == "Quiet"
    await house.server.ask("PATCH", f"{guild}/roles/{role['id']}", {"name": "Silent"})
    await bot.heard("guild_role_update")
    await house.server.ask("DELETE", f"{guild}/roles/{role['id']}", None)
    await bot.heard("guild_role_delete")
    overwrites = [{"id": house.guild_id, "deny": ["SEND_MESSAGES"]}]
    body = {"name": "talk", "overwrites": overwrites}
    await house.server.ask("PATCH", f"/channels/{house.general}", body)
    await bot.heard("guild_channel_update")
    channel = here.get_channel(int(house.general))
    assert channel is not None
    assert channel.name == "talk"
    assert channel.overwrites_for(here.default_role).send_messages is False
    await house.server.ask("DELETE", f"/channels/{house.mod_log}", None)
    assert (await bot.heard("guild_channel_delete")).name == "mod-log"
    await house.server.ask("DELETE", guild, None)
    await bot.heard("guild_remove")
