"""The engine that holds a bot hears of a change after the commit; without it the change stands as well."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

import httpx
import psycopg
import pytest
from support.api import log_in, register
from support.hosting import GUILD, insert_bot, insert_installation
from support.stack import Database

from astero_shared.ids import new_id


@dataclass
class Engine:
    """A listener in the engine's place: it notes the first line and the secret of each request."""

    url: str = ""
    heard: asyncio.Queue[tuple[str, str]] = field(default_factory=asyncio.Queue)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        secret = next(line for line in lines if line.lower().startswith("authorization: "))
        self.heard.put_nowait((first.rpartition(" ")[0], secret.partition(": ")[2]))
        body = b'{"botId":"%b","held":true}' % first.split("/")[3].split(" ")[0].encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
        writer.write(body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    found = Engine()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield found


@pytest.fixture
async def bot_id(client: httpx.AsyncClient, database: Database) -> UUID:
    user = await register(client)
    await log_in(client)
    bot_id = insert_bot(database.admin, user["id"])
    insert_installation(database.admin, bot_id)
    return bot_id


def hold(database: Database, bot_id: UUID, url: str) -> None:
    engine_id = new_id()
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO engines (id, url, started_at, heartbeat_at, draining)"
            " VALUES (%s, %s, now(), now(), false)",
            [engine_id, url],
        )
        connection.execute(
            "INSERT INTO bot_leases (bot_id, engine_id, fence, expires_at)"
            " VALUES (%s, %s, 1, now() + interval '1 minute')",
            [bot_id, engine_id],
        )


async def test_each_change_is_told_to_the_engine_that_holds_the_bot(
    client: httpx.AsyncClient,
    database: Database,
    engine: Engine,
    bot_id: UUID,
    api_environment: dict[str, str],
) -> None:
    hold(database, bot_id, engine.url)
    guild = f"/api/bots/{bot_id}/guilds/{GUILD}"
    internal = f"POST /internal/bots/{bot_id}"
    secret = f"Bearer {api_environment['BOT_ENGINE_SECRET']}"
    changed = await client.patch(f"{guild}/modules/automod", json={"words": {"enabled": True}})
    assert changed.status_code == 200
    assert await engine.heard.get() == (f"{internal}/guilds/{GUILD}/reload", secret)
    assert (await client.post(f"/api/bots/{bot_id}/stop")).status_code == 200
    assert await engine.heard.get() == (f"{internal}/reconcile", secret)
    assert (await client.delete(guild)).status_code == 204
    assert await engine.heard.get() == (f"{internal}/guilds/{GUILD}/leave", secret)
    assert (await client.post(f"{guild}/restore")).status_code == 200
    assert await engine.heard.get() == (f"{internal}/guilds/{GUILD}/reload", secret)


async def test_what_was_refused_or_changed_nothing_is_not_told(
    client: httpx.AsyncClient, database: Database, engine: Engine, bot_id: UUID
) -> None:
    hold(database, bot_id, engine.url)
    settings = f"/api/bots/{bot_id}/guilds/{GUILD}/modules/automod"
    assert (await client.patch(settings, json={"words": {"enabled": "x"}})).status_code == 422
    assert (await client.patch(settings, json={})).status_code == 200
    assert (await client.patch(settings, json={"words": {"enabled": True}})).status_code == 200
    await engine.heard.get()
    assert engine.heard.empty()


async def test_an_engine_that_cannot_be_reached_fails_nothing(
    client: httpx.AsyncClient, database: Database, bot_id: UUID
) -> None:
    hold(database, bot_id, "http://127.0.0.1:1")
    settings = f"/api/bots/{bot_id}/guilds/{GUILD}/modules/automod"
    changed = await client.patch(settings, json={"words": {"enabled": True}})
    assert changed.status_code == 200
    assert (await client.get(settings)).json() == changed.json()
