"""A branded bot in the hands of its owner: everything through the public API."""

from dataclasses import dataclass
from typing import Any

import httpx
from support.house import House
from support.owner import Owner
from support.server import Server

from astero_shared.features.bots.tables import SHARED_BOT_ID

_POLL_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Application:
    """What a customer brings from Discord's developer portal."""

    id: str
    token: str


def new_application(house: House, name: str = "Guard", **details: Any) -> Application:
    made = house.people.post("/applications", name=name, **details)
    house.secrets |= {made["botToken"], made["clientSecret"]}
    return Application(made["applicationId"], made["botToken"])


class HostedBot:
    def __init__(self, owner: Owner, bot_id: str, application: Application) -> None:
        self.owner = owner
        self.house = owner.house
        self.id = bot_id
        self.application = application
        self.path = f"/api/bots/{bot_id}"

    @classmethod
    def create(cls, owner: Owner, application: Application, *, name: str = "Guard") -> "HostedBot":
        made = owner.post("/api/bots", {"token": application.token, "name": name})
        return cls(owner, made["id"], application)

    @classmethod
    def shared(cls, house: House, server: Server) -> "HostedBot":
        """The shared bot in a server, in the hands of that server's owner, who signs in with Discord."""
        world = house.stack.credentials.world
        assert world is not None
        application = Application(world.shared.application_id, world.shared.bot_token)
        server.add_bot(application.id)
        owner = Owner(house)
        bot = cls(owner, str(SHARED_BOT_ID), application)
        owner.sign_in_with_discord(server.owner_id)
        bot.wait_guild(server)
        return bot

    # -- state ------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        return self.owner.get(f"{self.path}/status")

    def wait_state(self, state: str, reason: str | None = None) -> dict[str, Any]:
        return self.house.wait(
            self.status,
            lambda status: status["state"] == state and status.get("reason") == reason,
            what=f"bot {self.id} is {state} ({reason})",
            poll=_POLL_SECONDS,
        )

    def wait_listening(self, server: Server, word: str) -> None:
        """Until the bot deletes a message with this forbidden word; those it did not hear stay."""
        member = server.join("canary")
        written: list[str] = []

        def one_is_gone() -> bool:
            written.append(server.say(member, word))
            return len(server.written()) < len(written)

        self.house.wait(one_is_gone, what=f"bot {self.id} hears messages", poll=0.2)
        self.wait_state("online")

    # -- servers ----------------------------------------------------------------------------------

    def guild_path(self, server: Server) -> str:
        return f"{self.path}/guilds/{server.id}"

    def guilds(self, state: str = "active") -> list[dict[str, Any]]:
        return self.owner.get(f"{self.path}/guilds?state={state}")["items"]

    def enter(self, server: Server, *, permissions: int | None = None) -> None:
        """The bot joins; returns when its owner sees the server in the dashboard."""
        server.add_bot(self.application.id, permissions=permissions)
        self.wait_guild(server)

    def wait_guild(self, server: Server, state: str = "active") -> dict[str, Any]:
        def found() -> list[dict[str, Any]]:
            return [one for one in self.guilds(state) if one["guildId"] == server.id]

        return self.house.wait(found, what=f"server {server.id} is {state}", poll=_POLL_SECONDS)[0]

    # -- settings ---------------------------------------------------------------------------------

    def module(self, server: Server, module: str = "automod") -> httpx.Response:
        return self.owner.send("GET", f"{self.guild_path(server)}/modules/{module}")

    def settings(self, server: Server, module: str = "automod") -> dict[str, Any]:
        return self.owner.get(f"{self.guild_path(server)}/modules/{module}")["config"]

    def patch(self, server: Server, module: str = "automod", **patch: Any) -> dict[str, Any]:
        """A merge patch; the settings as they are now. The bot hears of it a moment later."""
        return self.owner.patch(f"{self.guild_path(server)}/modules/{module}", patch)["config"]

    def change(self, server: Server, module: str = "automod", **patch: Any) -> dict[str, Any]:
        """As `patch`, and the bot uses the settings when this returns."""
        config = self.patch(server, module, **patch)
        self.house.tell_engines(f"/internal/bots/{self.id}/guilds/{server.id}/reload")
        return config

    # -- cases ------------------------------------------------------------------------------------

    def cases(self, server: Server, query: str = "") -> list[dict[str, Any]]:
        """Newest first."""
        return self.owner.get(f"{self.guild_path(server)}/cases{query}")["items"]

    def case(self, server: Server, number: int) -> dict[str, Any]:
        return self.owner.get(f"{self.guild_path(server)}/cases/{number}")

    def wait_case(self, server: Server, number: int = 1) -> dict[str, Any]:
        """The case once it is carried out or has failed."""
        return self.house.wait(
            lambda: [one for one in self.cases(server) if one["number"] == number],
            lambda found: found and found[0]["state"] != "pending",
            what=f"case {number} is settled",
            poll=_POLL_SECONDS,
        )[0]
