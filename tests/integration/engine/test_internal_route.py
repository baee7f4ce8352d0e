"""The private listener: closed to whoever lacks the secret, and what the api may ask through it."""

import asyncio
import socket
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from support.discord_sandbox import DiscordSandbox
from support.engine import EngineProcess, query, until
from support.scene import Scene

from astero_shared.errors import UnavailableError
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.ids import Snowflake
from astero_shared.internal.client import EngineClient
from astero_shared.internal.contracts import Announcement
from astero_shared.settings import SecretRing

from .conftest import House

NOBODY = UUID("00000000-0000-7000-8000-0000000000ff")
BOT = f"/internal/bots/{SHARED_BOT_ID}"


@pytest.fixture
async def http(house: House) -> Any:
    async with httpx.AsyncClient(base_url=house.engine.url, verify=False) as client:  # noqa: S501 - no TLS
        yield client


def bearer(house: House) -> dict[str, str]:
    return {"Authorization": f"Bearer {house.engine.secret}"}


async def test_every_kind_of_wrong_gets_the_same_bytes(house: House) -> None:
    secret = house.engine.secret.encode()
    wrong: dict[str, list[bytes]] = {
        "nothing": [],
        "another scheme": [b"Authorization: Basic " + secret],
        "no scheme": [b"Authorization: " + secret],
        "lower case": [b"Authorization: bearer " + secret],
        "another secret": [b"Authorization: Bearer " + secret[::-1]],
        "a longer one": [b"Authorization: Bearer " + secret + b"x"],
        "a shorter one": [b"Authorization: Bearer " + secret[:-1]],
        "no text": [b"Authorization: Bearer \xff\xfe\x80"],
        "two headers": [b"Authorization: Bearer " + secret] * 2,
        "empty": [b"Authorization: "],
    }
    paths = [b"GET /internal/health", b"GET /nothing/here", b"POST /internal/bots", b"DELETE /"]
    answers = {
        (name, path): await raw(house.engine.port, path, headers)
        for name, headers in wrong.items()
        for path in paths
    }
    statuses, bodies = zip(*answers.values(), strict=True)
    assert set(statuses) == {b"HTTP/1.1 401 Unauthorized"}
    assert len(set(bodies)) == 1
    (body,) = set(bodies)
    assert b'"code":"auth.unauthenticated"' in body
    told = [line for line in house.engine.log() if line.get("event") == "internal.refused"]
    assert [line["ip"] for line in told] == ["127.0.0.1"] * 10, "a flood is a few lines"


async def raw(port: int, request: bytes, headers: list[bytes]) -> tuple[bytes, bytes]:
    """Bytes as no client library would send them; answers the status line and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [request + b" HTTP/1.1", b"Host: x", b"Connection: close", b"Content-Length: 0", *headers]
    writer.write(b"\r\n".join([*lines, b"", b""]))
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return head.split(b"\r\n")[0], body


async def test_the_previous_secret_is_accepted_and_the_one_before_is_not(process: EngineProcess) -> None:
    """So that it can be changed on one side first."""
    new, old = "n" * 16 + "new-secret-of-the-engine", "o" * 16 + "old-secret-of-the-engine"
    process.environment["BOT_ENGINE_SECRET"] = f"{new},{old}"
    process.start()
    async with httpx.AsyncClient(verify=False) as http:  # noqa: S501 - no TLS here
        await until(lambda: answers(http, f"{process.url}/internal/health"))
        for secret, status in ((new, 200), (old, 200), (process.secret, 401)):
            headers = {"Authorization": f"Bearer {secret}"}
            answer = await http.get(f"{process.url}/internal/health", headers=headers)
            assert answer.status_code == status


async def answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        await http.get(url)
    except httpx.ConnectError:
        return False
    return True


async def test_a_unix_socket_serves_as_well_and_a_stale_one_is_replaced(
    process: EngineProcess, tmp_path: Path
) -> None:
    path = tmp_path / "e.sock"
    process.environment["ENGINE_BIND"] = f"unix:{path}"
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    async with httpx.AsyncClient(transport=transport) as http:
        client = EngineClient(http, SecretRing((process.secret,)), "http://engine")
        for end in (process.kill, process.stop):
            process.start()
            await until(lambda: answers(http, "http://engine/internal/health"))
            with pytest.raises(UnavailableError):
                await client.list_roles(NOBODY, 1)
            headers = {"Authorization": f"Bearer {process.secret}"}
            health = (await http.get("http://engine/internal/health", headers=headers)).json()
            assert (health["bots"], health["draining"]) == (0, False)
            end()
    assert not path.exists()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/internal/nothing", 404, "not_found"),
        ("/internal/bots/no-uuid/guilds/1/channels", 404, "not_found"),
        (f"{BOT}/guilds/+1/channels", 404, "not_found"),
        (f"{BOT}/guilds/1/channels", 404, "installations.not_found"),
        (f"/internal/bots/{NOBODY}/guilds/1/channels", 404, "engine.bot_not_held"),
        (f"{BOT}/reconcile", 405, "method_not_allowed"),
    ],
)
async def test_what_is_not_there_is_a_problem(
    house: House, scene: Scene, http: httpx.AsyncClient, path: str, status: int, code: str
) -> None:
    assert scene
    answer = await http.get(path, headers=bearer(house))
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["requestId"]


async def test_hosted_bots_are_listed(house: House, scene: Scene, http: httpx.AsyncClient) -> None:
    assert scene
    (bot,) = (await http.get("/internal/bots", headers=bearer(house))).json()["bots"]
    assert (bot["botId"], bot["state"]) == (str(SHARED_BOT_ID), "online")
    assert bot["guilds"] >= 1


async def test_channels_and_roles_come_from_memory(house: House, scene: Scene) -> None:
    async with httpx.AsyncClient(verify=False) as http:  # noqa: S501 - no TLS here
        client = house.engine.client(http)
        channels = (await client.list_channels(SHARED_BOT_ID, scene.guild_id)).channels
        roles = (await client.list_roles(SHARED_BOT_ID, scene.guild_id)).roles
    assert {channel.name: int(channel.id) for channel in channels} == scene.channels
    assert all(channel.usable for channel in channels)
    assert [(role.name, role.assignable) for role in roles] == [("Astero", False), ("Moderator", True)]


async def test_an_announcement_is_posted_once(house: House, scene: Scene) -> None:
    announcement = Announcement(
        channel_id=Snowflake(scene.channels["general"]), content="@everyone hello", nonce="announcement-1"
    )
    async with httpx.AsyncClient(verify=False) as http:  # noqa: S501 - no TLS here
        client = house.engine.client(http)
        first = await client.announce(SHARED_BOT_ID, scene.guild_id, announcement)
        again = await client.announce(SHARED_BOT_ID, scene.guild_id, announcement)
    assert first.message_id == again.message_id
    (message,) = await scene.messages()
    assert (message["content"], message["mention_everyone"]) == ("@everyone hello", False)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[" * 66_000, 413),
        (b"[" * 60_000, 422),
        (b'{"channelId":1,"content":"x","nonce":"n"}', 422),
        (b'{"channelId":"1","content":"x","nonce":"n","more":1}', 422),
        (b'{"channelId":"1","content":"","nonce":"n"}', 422),
        (b'{"channelId":"1","content":"\xff","nonce":"n"}', 422),
        (b'{"channelId":"1","content":"a\\u0000b","nonce":"n"}', 422),
        (b'{"channelId":"1","content":"\\ud800","nonce":"n"}', 422),
        (b'{"channelId":"1","content":"' + b"x" * 2001 + b'","nonce":"n"}', 422),
        (b'{"channelId":"1","content":"x","nonce":"' + b"n" * 26 + b'"}', 422),
        (b'{"channelId":"1","content":"x","nonce":"n"}', 404),
        (b" " * 70_000, 413),
    ],
)
async def test_a_body_that_cannot_be_is_refused(
    house: House, scene: Scene, http: httpx.AsyncClient, body: bytes, status: int
) -> None:
    path = f"{BOT}/guilds/{scene.guild_id}/announce"
    answer = await http.post(path, content=body, headers=bearer(house))
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status


async def test_a_reload_is_used_from_the_next_message_on(house: House, scene: Scene) -> None:
    await house.configure(scene, "automod", {"words": {"enabled": True, "words": ["rumpelstilz"]}})
    await scene.gone(await scene.say("nova", "rumpelstilz"))
    await house.configure(scene, "automod", {"words": {"enabled": False}, "caps": {"enabled": True}})
    kept = await scene.say("nova", "rumpelstilz")
    await scene.gone(await scene.say("nova", "SHOUTING ALL DAY LONG"))
    assert kept in {int(message["id"]) for message in await scene.messages()}


async def test_a_change_without_a_nudge_is_noticed_by_itself(house: House, scene: Scene) -> None:
    await house.configure(scene, "automod", {"words": {"enabled": True, "words": ["rumpelstilz"]}})
    await query(
        house.database,
        "UPDATE module_configs SET revision = revision + 1,"
        " config = jsonb_set(config, '{words,words}', '[\"knusper\"]') WHERE guild_id = %s RETURNING 1",
        [scene.guild_id],
    )

    async def noticed() -> bool:
        message = await scene.say("nova", "knusper")
        await asyncio.sleep(0.5)
        return message not in {int(one["id"]) for one in await scene.messages()}

    await until(noticed)


async def test_the_bot_leaves_when_asked(house: House, scene: Scene, discord: DiscordSandbox) -> None:
    assert discord
    async with httpx.AsyncClient(verify=False) as http:  # noqa: S501 - no TLS here
        await house.engine.client(http).leave(SHARED_BOT_ID, scene.guild_id)

    async def left() -> bool:
        return str(scene.community.application_id) not in (await scene.guild())["bots"]

    await until(left)


def test_nobody_else_can_reach_it(house: House) -> None:
    """It listens on loopback alone, whatever addresses this machine has."""
    host = socket.gethostbyname(socket.gethostname())
    if host.startswith("127."):
        pytest.skip("this machine has no other address")
    with pytest.raises(OSError, match=r"refused|unreachable"):
        socket.create_connection((host, house.engine.port), timeout=2)
