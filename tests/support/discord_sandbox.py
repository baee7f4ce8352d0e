"""A sandbox Discord in a process of its own, and the people in it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

# GATEWAY_MESSAGE_CONTENT_LIMITED | GATEWAY_GUILD_MEMBERS_LIMITED | GATEWAY_PRESENCE_LIMITED
ALL_PRIVILEGED = 1 << 19 | 1 << 15 | 1 << 13


class DiscordSandbox:
    """The control API of one running sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.api_url = f"{url}/api/v10"
        self._control = httpx.AsyncClient(base_url=url, timeout=30)

    async def close(self) -> None:
        await self._control.aclose()

    async def post(self, path: str, /, **body: Any) -> Any:
        answer = await self._control.post(f"/sandbox{path}", json=body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json()

    async def patch(self, path: str, /, **body: Any) -> Any:
        answer = await self._control.patch(f"/sandbox{path}", json=body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json()

    async def delete(self, path: str, /) -> None:
        answer = await self._control.delete(f"/sandbox{path}")
        assert answer.is_success, (path, answer.status_code, answer.text)

    async def fault(self, kind: str, /, **details: Any) -> Any:
        return await self.post("/faults", kind=kind, **details)

    async def faults(self) -> list[dict[str, Any]]:
        """Those that are in force still."""
        return (await self._control.get("/sandbox/faults")).json()["faults"]

    async def log(self) -> list[dict[str, Any]]:
        answer = await self._control.get("/sandbox/log")
        return answer.json()["entries"]

    async def connections(self) -> int:
        answer = await self._control.get("/sandbox/health")
        return answer.json()["connections"]

    async def community(
        self, name: str = "Home", *, permissions: int | None = None, **application: Any
    ) -> "Community":
        """One application in one server with an owner and a member; `permissions` are the bot's own."""
        application = {"flags": ALL_PRIVILEGED, **application}
        app = await self.post("/applications", name="Astero", **application)
        owner = await self.post("/users", username="alex", email="alex@example.test")
        member = await self.post("/users", username="nova")
        guild = await self.post("/guilds", name=name, ownerId=owner["userId"])
        members = f"/guilds/{guild['guildId']}/members"
        await self.post(members, userId=member["userId"])
        granted = {} if permissions is None else {"permissions": str(permissions)}
        await self.post(members, applicationId=app["applicationId"], **granted)
        channels = {channel["name"]: int(channel["id"]) for channel in guild["channels"]}
        return Community(
            discord=self,
            application_id=int(app["applicationId"]),
            token=app["botToken"],
            guild_id=int(guild["guildId"]),
            channel_id=channels["general"],
            owner_id=int(owner["userId"]),
            member_id=int(member["userId"]),
        )


@dataclass(frozen=True)
class Community:
    discord: DiscordSandbox
    application_id: int
    token: str
    guild_id: int
    channel_id: int
    owner_id: int
    member_id: int

    async def say(self, content: str) -> int:
        """The member writes; answers the message's id."""
        path = f"/channels/{self.channel_id}/messages"
        message = await self.discord.post(path, userId=str(self.member_id), content=content)
        return int(message["id"])

    async def fault(self, kind: str, /, **details: Any) -> Any:
        return await self.discord.fault(kind, applicationId=str(self.application_id), **details)


@contextmanager
def running_sandbox(*arguments: str) -> Iterator[str]:
    """The address of a fresh one, which ends with the block."""
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "astero_sandbox.discord", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().partition(": ")[2].strip()
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        process.stdout.close()
