"""One sandbox Discord for all; an application, people and a server of its own for each test."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from support.api import environment, running_api
from support.discord_sandbox import DiscordSandbox, running_sandbox
from support.discord_world import CALLBACK, World
from support.stack import Database

from astero_sandbox.valkey import Valkey
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.ids import new_id


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    with running_sandbox() as url:
        yield url


@pytest.fixture
async def world(
    database: Database, valkey: str, valkey_server: Valkey, sandbox_url: str
) -> AsyncIterator[World]:
    assert valkey, "asking for it empties the server afterwards"
    discord = DiscordSandbox(sandbox_url)
    app = await discord.post("/applications", name="Astero", redirectUris=[CALLBACK])
    name = new_id().hex
    owner = await discord.post("/users", username="ines", email=f"ines-{name}@example.com")
    member = await discord.post("/users", username="noe", email=f"noe-{name}@example.com")
    guild = await discord.post("/guilds", name="Harbour", ownerId=owner["userId"])
    await discord.post(f"/guilds/{guild['guildId']}/members", userId=member["userId"])
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO installations (id, bot_id, guild_id, guild_name, present, joined_at)"
            " VALUES (%s, %s, %s, 'Harbour', true, now())",
            [new_id(), SHARED_BOT_ID, guild["guildId"]],
        )
    env = environment(
        database_url=database.api,
        redis_url=valkey_server.url("api"),
        DISCORD_API_URL=discord.api_url,
        DISCORD_CLIENT_ID=app["applicationId"],
        DISCORD_CLIENT_SECRET=app["clientSecret"],
    )
    async with running_api(env) as edge:
        yield World(edge, env, discord, database, int(guild["guildId"]), owner["userId"], member["userId"])
    await discord.close()
