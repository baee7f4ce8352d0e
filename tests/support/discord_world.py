"""The api beside a sandbox Discord with one server, and a person's way through Discord's consent page."""

from dataclasses import dataclass
from typing import Any

import httpx
from support.api import ORIGIN
from support.discord_sandbox import DiscordSandbox
from support.mfa import run
from support.stack import Database

from astero_api.web.edge import Edge
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.ids import new_id

CALLBACK = f"{ORIGIN}/api/auth/discord/callback"


@dataclass
class World:
    """The api beside a Discord with one server, its owner and a plain member."""

    edge: Edge
    env: dict[str, str]
    discord: DiscordSandbox
    database: Database
    guild_id: int
    owner: str
    member: str

    @property
    def automod(self) -> str:
        return f"/api/bots/{SHARED_BOT_ID}/guilds/{self.guild_id}/modules/automod"

    async def new_person(self, name: str, *, permissions: int) -> str:
        """A member of the server with a role of their own, `<name> permissions`; answers their id."""
        person = await self.discord.post("/users", username=name, email=f"{name}-{new_id().hex}@example.com")
        members = f"/guilds/{self.guild_id}/members"
        await self.discord.post(members, userId=person["userId"], permissions=str(permissions))
        return person["userId"]

    async def calls(self) -> list[dict[str, Any]]:
        """What Discord was asked over REST, oldest first."""
        return [line for line in await self.discord.log() if "path" in line]

    async def questions(self) -> list[dict[str, Any]]:
        """How often it was asked which servers somebody is in."""
        return [line for line in await self.calls() if line["path"].endswith("/users/@me/guilds")]

    async def consent(self, location: str, user_id: str, decision: str = "authorize") -> str:
        """What the person does on Discord's page; answers where it sends the browser."""
        async with httpx.AsyncClient() as person:
            answer = await person.post(location, data={"user_id": user_id, "decision": decision})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]


def cookie_of(answer: httpx.Response, name: str) -> str | None:
    for line in answer.headers.get_list("set-cookie"):
        if line.startswith(f"{name}=") and "Max-Age=0" not in line:
            return line.split(";")[0].partition("=")[2]
    return None


async def begin(client: httpx.AsyncClient, path: str = "/api/auth/discord") -> str:
    answer = await client.get(path)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def finish(client: httpx.AsyncClient, location: str) -> httpx.Response:
    assert location.startswith(CALLBACK)
    return await client.get(location.removeprefix(ORIGIN))


async def sign_in(world: World, client: httpx.AsyncClient, user_id: str) -> httpx.Response:
    return await finish(client, await world.consent(await begin(client), user_id))


def age_proof(world: World) -> None:
    run(world.database, "UPDATE sessions SET authenticated_at = now() - interval '301 seconds'")
