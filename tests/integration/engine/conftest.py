"""One engine process for most tests: each brings its own server and people and adds the bot to it."""

import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.databases import fresh_database
from support.discord_sandbox import ALL_PRIVILEGED, Community, DiscordSandbox, running_sandbox
from support.engine import EngineProcess, query, until
from support.scene import Scene
from support.stack import Database

from astero_sandbox.postgres import Postgres
from astero_shared.clock import utc_now
from astero_shared.db.engine import create_engine
from astero_shared.db.session import transaction
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.features.cases.service import open_case
from astero_shared.features.cases.store import CaseDraft
from astero_shared.features.modules.catalog import MODULES
from astero_shared.features.modules.patches import apply_patch, decode_stored, encode_config
from astero_shared.features.modules.store import get_config, update_config
from astero_shared.scope import SYSTEM, GuildScope
from astero_shared.settings import Secret

# Kick, Ban, View Channel, Send Messages, Manage Messages, Embed Links, Read Message History, Moderate Members
BOT_PERMISSIONS = 1 << 1 | 1 << 2 | 1 << 10 | 1 << 11 | 1 << 13 | 1 << 14 | 1 << 16 | 1 << 40


@dataclass(frozen=True)
class House:
    """A sandbox Discord, a database and an engine that hosts one application there."""

    discord_url: str
    application_id: str
    token: str
    database: Database
    engine: EngineProcess

    async def scene(self, discord: DiscordSandbox, *, permissions: int = BOT_PERMISSIONS) -> Scene:
        """A new server of `alex` with the member `nova` and the bot in it, known to the engine."""
        owner = await discord.post("/users", username="alex", email="alex@example.test")
        member = await discord.post("/users", username="nova")
        guild = await discord.post("/guilds", name="Home", ownerId=owner["userId"])
        members = f"/guilds/{guild['guildId']}/members"
        await discord.post(members, userId=member["userId"])
        await discord.post(members, applicationId=self.application_id, permissions=str(permissions))
        channels = {channel["name"]: int(channel["id"]) for channel in guild["channels"]}
        scene = Scene(
            Community(
                discord=discord,
                application_id=int(self.application_id),
                token=self.token,
                guild_id=int(guild["guildId"]),
                channel_id=channels["general"],
                owner_id=int(owner["userId"]),
                member_id=int(member["userId"]),
            )
        )
        scene.channels = channels
        await installed(self.database, scene)
        return scene

    async def configure(self, scene: Scene, module: str, patch: dict[str, Any]) -> None:
        """As the api does it: a revision, written with its own role, then the nudge."""
        await configure(
            self.database, self.engine, GuildScope(SYSTEM, SHARED_BOT_ID, scene.guild_id), module, patch
        )

    async def open_case(self, scene: Scene, *, asker: str = "dashboard", **draft: Any) -> int:
        """As the api does it: pending, for the engine to carry out. Answers its number."""
        wanted = CaseDraft(source="api", moderator_id=asker, moderator_name="Ada", **draft)
        scope = GuildScope(SYSTEM, SHARED_BOT_ID, scene.guild_id)
        db = create_engine(Secret(self.database.api), application="test")
        async with transaction(db) as session:
            case = await open_case(session=session, scope=scope, draft=wanted)
        await db.dispose()
        assert case is not None
        return case.number

    async def nudge(self) -> None:
        async with httpx.AsyncClient(verify=False) as http:  # noqa: S501 - no TLS here
            assert (await self.engine.client(http).reconcile(SHARED_BOT_ID)).held

    async def cases(self, scene: Scene, *, settled: int) -> list[dict[str, Any]]:
        """The server's cases by number, once this many are settled."""
        return await settled_cases(self.database, scene.guild_id, settled)


async def configure(
    database: Database, engine: EngineProcess, scope: GuildScope, module: str, patch: dict[str, Any]
) -> None:
    db = create_engine(Secret(database.api), application="test")
    async with transaction(db) as session:
        stored = await get_config(session, scope, module)
        kind = MODULES[module].config
        before = kind() if stored.config is None else decode_stored(kind, stored.config)[0]
        after = encode_config(apply_patch(before, patch))
        await update_config(
            session, scope, module, config=after, expected_revision=stored.revision, now=utc_now()
        )
    await db.dispose()
    async with httpx.AsyncClient(verify=False) as http:  # noqa: S501 - no TLS here
        await engine.client(http).reload(scope.bot_id, scope.guild_id)


async def settled_cases(database: Database, guild_id: int, settled: int) -> list[dict[str, Any]]:
    async def found() -> list[dict[str, Any]]:
        rows = await query(
            database,
            "SELECT to_jsonb(cases) FROM cases WHERE guild_id = %s AND state <> 'pending' ORDER BY number",
            [guild_id],
        )
        return [row[0] for row in rows] if len(rows) >= settled else []

    return await until(found)


async def installed(database: Database, scene: Scene) -> None:
    """Returns when the engine has recorded the server."""
    found = "SELECT 1 FROM installations WHERE bot_id = %s AND guild_id = %s AND removed_at IS NULL"
    await until(lambda: query(database, found, [SHARED_BOT_ID, scene.guild_id]))


@pytest.fixture(scope="session")
def discord_url() -> Iterator[str]:
    with running_sandbox("--identify-window", "0.1") as url:
        yield url


@pytest.fixture
async def discord(discord_url: str) -> AsyncIterator[DiscordSandbox]:
    sandbox = DiscordSandbox(discord_url)
    yield sandbox
    await sandbox.close()


@pytest.fixture(scope="session")
def house(
    postgres_server: Postgres,
    migrated_template: str,
    discord_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    with fresh_database(postgres_server, template=migrated_template) as name:
        database = Database.on(postgres_server, name)
        made = httpx.post(
            f"{discord_url}/sandbox/applications", json={"name": "Astero", "flags": ALL_PRIVILEGED}
        ).json()
        engine = EngineProcess(
            database,
            api_url=f"{discord_url}/api/v10",
            token=made["botToken"],
            folder=tmp_path_factory.mktemp("engine"),
        )
        engine.start()
        while not engine.logged("commands registered"):
            assert engine.alive, engine.log()
            time.sleep(0.1)
        try:
            yield House(discord_url, made["applicationId"], made["botToken"], database, engine)
        finally:
            engine.stop()


@pytest.fixture
async def scene(house: House, discord: DiscordSandbox) -> AsyncIterator[Scene]:
    logged = len(house.engine.log())
    yield await house.scene(discord)
    # Shown by pytest when the test failed.
    sys.stdout.writelines(f"{line}\n" for line in house.engine.log()[logged:])


@pytest.fixture
def process(
    postgres_server: Postgres, migrated_template: str, tmp_path: Path, discord_url: str
) -> Iterator[EngineProcess]:
    """An engine of its own on a database of its own, not started yet and without a shared bot."""
    with fresh_database(postgres_server, template=migrated_template) as name:
        engine = EngineProcess(
            Database.on(postgres_server, name), api_url=f"{discord_url}/api/v10", token=None, folder=tmp_path
        )
        try:
            yield engine
        finally:
            engine.stop()
            sys.stdout.writelines(f"{line}\n" for line in engine.log())
