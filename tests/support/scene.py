"""People in a sandbox server: they write, use commands, press buttons and fill in forms, and see answers."""

from collections.abc import Mapping
from typing import Any

import httpx
from support.discord_sandbox import Community
from support.engine import until


class Scene:
    """One community as its people see it. Names: `alex` owns the server, `nova` is a member."""

    def __init__(self, community: Community) -> None:
        self.community = community
        self.people = {"alex": community.owner_id, "nova": community.member_id}
        self.channels: dict[str, int] = {"general": community.channel_id}
        self._known: set[str] = set()

    @property
    def guild_id(self) -> int:
        return self.community.guild_id

    async def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        # Without TLS there is nothing to verify, and loading the authorities takes longer than the call.
        async with httpx.AsyncClient(base_url=self.community.discord.url, timeout=30, verify=False) as http:  # noqa: S501
            answer = await http.request(method, f"/sandbox{path}", json=body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def guild(self) -> Any:
        found = await self.control("GET", f"/guilds/{self.guild_id}")
        self.channels = {channel["name"]: int(channel["id"]) for channel in found["channels"]}
        return found

    async def join(
        self,
        name: str,
        *,
        permissions: int | None = None,
        roles: list[str] | None = None,
        locale: str = "en-US",
    ) -> int:
        """A new member; `permissions` come with a role below the bot's."""
        user = await self.control("POST", "/users", {"username": name, "locale": locale})
        self.people[name] = int(user["userId"])
        body: dict[str, Any] = {"userId": user["userId"]}
        if permissions is not None:
            body["permissions"] = str(permissions)
        if roles is not None:
            body["roles"] = roles
        await self.control("POST", f"/guilds/{self.guild_id}/members", body)
        return self.people[name]

    async def member(self, name: str) -> Any:
        guild = await self.guild()
        wanted = str(self.people[name])
        return next((member for member in guild["members"] if member["userId"] == wanted), None)

    async def say(self, name: str, content: str, *, channel: str = "general") -> int:
        path = f"/channels/{self.channels[channel]}/messages"
        message = await self.control("POST", path, {"userId": str(self.people[name]), "content": content})
        return int(message["id"])

    async def edit(self, message_id: int, content: str, *, channel: str = "general") -> None:
        path = f"/channels/{self.channels[channel]}/messages/{message_id}"
        await self.control("PUT", path, {"content": content})

    async def messages(self, channel: str = "general") -> list[Any]:
        if channel not in self.channels:
            await self.guild()
        answer = await self.control("GET", f"/channels/{self.channels[channel]}/messages")
        return answer["messages"] if isinstance(answer, dict) else answer

    async def gone(self, message_id: int, *, channel: str = "general") -> None:
        """Returns when the message is deleted."""

        async def is_gone() -> bool:
            return all(int(message["id"]) != message_id for message in await self.messages(channel))

        await until(is_gone)

    async def direct_messages(self, name: str, *, at_least: int = 1) -> list[str]:
        """What the bot wrote to the person alone, once there are enough."""
        path = f"/users/{self.people[name]}/messages"

        async def received() -> list[str]:
            found = await self.control("GET", path)
            texts = [message["content"] for message in found["messages"]]
            return texts if len(texts) >= at_least else []

        return await until(received)

    async def embeds(self, channel: str = "mod-log", *, at_least: int = 1) -> list[Any]:
        """What the channel's embeds say, oldest first, once there are enough."""

        async def shown() -> list[Any]:
            messages = sorted(await self.messages(channel), key=lambda message: int(message["id"]))
            found = [embed for message in messages for embed in message.get("embeds", [])]
            return found if len(found) >= at_least else []

        return await until(shown)

    async def use(self, name: str, command: str, *, channel: str = "general", **options: Any) -> Any:
        """Waits until the command is registered; answers what the person sees."""
        first = command.split(maxsplit=1)[0]
        if first not in self._known:
            await until(lambda: self._knows(first))
        return await self._interact(name, channel, {"command": command, "options": options})

    async def press(
        self,
        name: str,
        message: Any,
        custom_id: str,
        values: list[str] | None = None,
        *,
        channel: str = "general",
    ) -> Any:
        body: dict[str, Any] = {"messageId": message["id"], "customId": custom_id}
        if values is not None:
            body["values"] = values
        return await self._interact(name, channel, body)

    async def submit(self, name: str, custom_id: str, *, channel: str = "general", **fields: Any) -> Any:
        return await self._interact(name, channel, {"modal": {"customId": custom_id, "fields": fields}})

    async def rest(self, method: str, path: str, *, token: str, body: Any = None) -> Any:
        """A call of Discord's own API."""
        headers = {"Authorization": f"Bot {token}"}
        async with httpx.AsyncClient(
            base_url=self.community.discord.api_url,
            headers=headers,
            verify=False,  # noqa: S501
        ) as http:
            answer = await http.request(method, path, json=body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def calls(self) -> list[Any]:
        """REST calls about this server's channels and members, oldest first."""
        ids = {str(self.guild_id), *map(str, self.channels.values())}
        log = await self.community.discord.log()
        return [entry for entry in log if not ids.isdisjoint(str(entry.get("path", "")).split("/"))]

    async def refusals(self) -> list[Any]:
        return [entry for entry in await self.calls() if entry["status"] >= 400]

    async def _interact(self, name: str, channel: str, body: dict[str, Any]) -> Any:
        who = {"userId": str(self.people[name]), "applicationId": str(self.community.application_id)}
        path = f"/channels/{self.channels[channel]}/interactions"
        return await self.control("POST", path, who | body)

    async def _knows(self, command: str) -> bool:
        headers = {"Authorization": f"Bot {self.community.token}"}
        async with httpx.AsyncClient(
            base_url=self.community.discord.api_url,
            headers=headers,
            verify=False,  # noqa: S501
        ) as http:
            answer = await http.get(f"/applications/{self.community.application_id}/commands")
        if answer.is_success:
            self._known = {known["name"] for known in answer.json()}
        return command in self._known
