"""The gateway protocol: what the real client does with it, and what a wrong frame gets."""

import asyncio
import zlib
from typing import Any

import aiohttp
import discord
import orjson
import pytest

from .conftest import Bot, BotStarter, House, Server, make_house

IDENTIFY = 2
RESUME = 6


async def contents(bot: Bot, count: int) -> list[str]:
    return [(await bot.heard("message")).content for _ in range(count)]


@pytest.mark.parametrize(
    "fault", [{"kind": "disconnect"}, {"kind": "close", "code": 4000}, {"kind": "reconnect"}]
)
async def test_after_a_cut_the_session_resumes_and_nothing_is_missing(
    house: House, connect: BotStarter, fault: dict[str, Any]
) -> None:
    bot = await connect(house.token)
    session = bot.ws.session_id
    await house.say("before")
    assert await contents(bot, 1) == ["before"]
    since = (await house.server.get("/log"))["next"]
    await house.server.post("/faults", applicationId=house.application_id, **fault)
    for number in range(20):
        await house.say(f"while away {number}")
    await bot.heard("resumed")
    await house.say("after")
    log = (await house.server.get(f"/log?since={since}"))["entries"]
    assert [e["op"] for e in log if e["direction"] == "in" and e.get("op") in (2, 6)] == [RESUME]
    assert bot.ws.session_id == session
    assert await bot.messages_heard(22) == [
        "before",
        *(f"while away {number}" for number in range(20)),
        "after",
    ]


async def test_events_sent_while_the_socket_is_away_are_replayed_in_order(
    house: House, connect: BotStarter
) -> None:
    bot = await connect(house.token)
    await house.server.fault("outage", seconds=1)
    for number in range(50):
        await house.say(f"{number}")
    await bot.heard("resumed")
    assert await bot.messages_heard(50) == [str(number) for number in range(50)]


async def test_a_forgotten_session_is_identified_anew(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    session = bot.ws.session_id
    await house.server.fault("expire_sessions", applicationId=house.application_id)
    await house.server.fault("disconnect", applicationId=house.application_id)
    await bot.heard("ready")
    assert bot.ws.session_id != session
    assert bot.resumes == 0


async def test_an_invalid_session_that_is_resumable_is_resumed(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    await house.server.fault("invalid_session", applicationId=house.application_id, resumable=True)
    await bot.heard("resumed")


async def test_a_wrong_token_never_gets_to_the_gateway_and_ends_with_4004_there(
    server: Server, connect: BotStarter
) -> None:
    bot = await connect("MTIz.abcdef.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", wait=False)
    failure = await bot.failure()
    assert isinstance(failure, discord.LoginFailure)


async def test_a_token_reset_while_running_ends_with_4004(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    path = f"/applications/{house.application_id}"
    answer = await house.server.ask("PATCH", path, {"botToken": "reset"})
    assert answer["botToken"] != house.token
    await house.server.fault("disconnect", applicationId=house.application_id)
    failure = await bot.failure()
    assert isinstance(failure, discord.ConnectionClosed)
    assert failure.code == 4004


async def test_an_intent_that_is_not_switched_on_ends_with_4014(server: Server, connect: BotStarter) -> None:
    house = await make_house(server, flags=0)
    bot = await connect(house.token, wait=False)
    failure = await bot.failure()
    assert isinstance(failure, discord.PrivilegedIntentsRequired)


async def test_without_the_content_intent_messages_come_empty(server: Server, connect: BotStarter) -> None:
    house = await make_house(server, flags=0)
    bot = await connect(house.token, intents=discord.Intents(guilds=True, messages=True))
    await house.say("secret plans")
    assert (await bot.heard("message")).content == ""
    await house.say(f"<@{house.application_id}> hello")
    assert (await bot.heard("message")).content == f"<@{house.application_id}> hello"


async def test_only_events_of_the_intents_arrive(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token, intents=discord.Intents(guilds=True))
    await house.say("not for you")
    guild = f"/guilds/{house.guild_id}"
    await house.server.post(f"{guild}/channels", name="new")
    assert (await bot.heard("guild_channel_create")).name == "new"
    assert bot.messages == []


async def test_an_outage_of_a_guild_is_not_a_removal(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    path = f"/guilds/{house.guild_id}/outage"
    await house.server.post(path, unavailable=True)
    gone = await bot.heard("guild_unavailable")
    assert gone.id == int(house.guild_id)
    await house.server.post(path, unavailable=False)
    back = await bot.heard("guild_available")
    assert {channel.name for channel in back.text_channels} == {"general", "mod-log"}


async def test_silence_instead_of_acks_makes_the_client_reconnect(house: House, connect: BotStarter) -> None:
    bot = Bot()
    await connect(house.token, bot=bot)
    bot.ws._keep_alive.interval = 0.1
    bot.ws._keep_alive.heartbeat_timeout = 0.3
    bot._connection.heartbeat_timeout = 0.3
    await house.server.fault("heartbeat_silence", applicationId=house.application_id, seconds=5)
    await bot.heard("resumed")


async def test_identifies_count_down(house: House, connect: BotStarter) -> None:
    async with house.server.rest(house.token) as rest:
        before = (await rest.get("/gateway/bot")).json()["session_start_limit"]
        await connect(house.token)
        after = (await rest.get("/gateway/bot")).json()["session_start_limit"]
    assert before["total"] == 1000
    assert after["remaining"] == before["remaining"] - 1
    assert after["max_concurrency"] == 1


async def test_two_connections_of_one_application_hear_the_same(house: House, connect: BotStarter) -> None:
    first = await connect(house.token)
    second = await connect(house.token)
    await house.say("both")
    assert await contents(first, 1) == ["both"]
    assert await contents(second, 1) == ["both"]


async def closed_with(server: Server, *frames: Any, query: str = "v=10&encoding=json") -> int | None:
    """The close code after these frames."""
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(f"{server.url}/?{query}")
        for frame in frames:
            data = frame if isinstance(frame, str) else orjson.dumps(frame).decode()
            await socket.send_str(data)
        async with asyncio.timeout(60):
            while True:
                message = await socket.receive()
                if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                    return socket.close_code


def identify(token: str, **more: Any) -> dict[str, Any]:
    return {"op": IDENTIFY, "d": {"token": token, "intents": 1, "properties": {}} | more}


async def test_wrong_frames_are_answered_with_their_close_codes(house: House) -> None:
    server, token = house.server, house.token
    assert await closed_with(server, "{not json") == 4002
    assert await closed_with(server, {"op": 1, "d": "x" * 4100}) == 4002
    assert await closed_with(server, {"op": 99, "d": None}) == 4001
    assert await closed_with(server, {"op": 3, "d": {}}) == 4003
    assert await closed_with(server, identify("nonsense")) == 4004
    assert await closed_with(server, identify(token), identify(token)) == 4005
    assert await closed_with(server, *[{"op": 1, "d": None}] * 121) == 4008
    assert await closed_with(server, identify(token, shard=[1, 2])) == 4010
    assert await closed_with(server, query="v=9&encoding=json") == 4012
    assert await closed_with(server, identify(token, intents=1 << 30)) == 4013
    resume = {"op": RESUME, "d": {"token": "nonsense", "session_id": "x", "seq": 1}}
    assert await closed_with(server, resume) == 4004


async def test_a_resume_from_the_future_is_4007(house: House) -> None:
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(f"{house.server.url}/?v=10&encoding=json")
        await socket.receive_json()
        await socket.send_json(identify(house.token))
        ready = await socket.receive_json()
        await socket.close(code=4000)
    resume = {"token": house.token, "session_id": ready["d"]["session_id"], "seq": 999}
    assert await closed_with(house.server, {"op": RESUME, "d": resume}) == 4007


async def test_a_client_that_says_goodbye_loses_its_session(house: House) -> None:
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(f"{house.server.url}/?v=10&encoding=json")
        await socket.receive_json()
        await socket.send_json(identify(house.token))
        ready = await socket.receive_json()
        await socket.close(code=1000)
        again = await session.ws_connect(f"{house.server.url}/?v=10&encoding=json")
        await again.receive_json()
        session_id = ready["d"]["session_id"]
        resume = {"token": house.token, "session_id": session_id, "seq": ready["s"]}
        await again.send_json({"op": RESUME, "d": resume})
        assert await again.receive_json() == {"op": 9, "d": False, "t": None, "s": None}


async def test_zlib_stream_is_one_stream_flushed_after_every_frame(house: House) -> None:
    inflate = zlib.decompressobj()
    async with aiohttp.ClientSession() as session:
        url = f"{house.server.url}/?v=10&encoding=json&compress=zlib-stream"
        socket = await session.ws_connect(url)
        names = []
        for _ in range(3):
            raw = await socket.receive_bytes()
            assert raw.endswith(b"\x00\x00\xff\xff")
            frame = orjson.loads(inflate.decompress(raw))
            names.append(frame["t"] or frame["op"])
            if frame["op"] == 10:
                await socket.send_json(identify(house.token))
        await socket.close()
    assert names == [10, "READY", "GUILD_CREATE"]


async def gateway_ops(house: House, since: int) -> list[tuple[str, int | None]]:
    entries = (await house.server.get(f"/log?since={since}"))["entries"]
    return [(item["direction"], item.get("op")) for item in entries if item["kind"] == "gateway"]


async def test_a_request_for_a_heartbeat_is_answered(house: House, connect: BotStarter) -> None:
    await connect(house.token)
    since = (await house.server.get("/log"))["next"]
    await house.server.fault("heartbeat", applicationId=house.application_id)
    async with asyncio.timeout(60):
        while ("out", 11) not in (ops := await asked_for(house, since)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert ops[:3] == [("out", 1), ("in", 1), ("out", 11)]


async def asked_for(house: House, since: int) -> list[tuple[str, int | None]]:
    """From the request on: the client's own next beat may come a moment before."""
    ops = await gateway_ops(house, since)
    return ops[ops.index(("out", 1)) :] if ("out", 1) in ops else []
