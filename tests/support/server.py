"""A server in the sandbox Discord: its people, what they do there, and what they see."""

import secrets
from typing import Any

from support.house import House

EVERYONES_COMMANDS = 1 << 31


class Server:
    """Made with an owner and the channels general and mod-log. People and bots are named by their ids."""

    def __init__(self, house: House, name: str = "Reef") -> None:
        self.house = house
        self.people = house.people
        self.owner_id = self.people.create_user("alex", f"alex-{secrets.token_hex(6)}@example.test")
        made = self.people.create_guild(name, owner_id=self.owner_id)
        self.id: str = made["guildId"]
        self.channels: dict[str, str] = {channel["name"]: channel["id"] for channel in made["channels"]}
        self.general = self.channels["general"]
        self.log_channel = self.channels["mod-log"]

    # -- people ---------------------------------------------------------------------------------

    def join(
        self,
        name: str,
        *,
        permissions: int | None = None,
        roles: tuple[str, ...] = (),
        locale: str | None = None,
    ) -> str:
        """A new person; `permissions` come with a role below every bot's own."""
        more = {} if locale is None else {"locale": locale}
        user_id = self.people.post("/users", username=name, **more)["userId"]
        self.people.join(self.id, user_id=user_id, permissions=permissions, roles=roles)
        return user_id

    def add_bot(self, application_id: str, *, permissions: int | None = None) -> None:
        self.people.join(self.id, application_id=application_id, permissions=permissions)

    def remove_bot(self, application_id: str) -> None:
        self.people.leave(self.id, application_id)

    def role(self, name: str, *, permissions: int = 0, position: int | None = None) -> str:
        more = {} if position is None else {"position": position}
        made = self.people.post(f"/guilds/{self.id}/roles", name=name, permissions=str(permissions), **more)
        return made["id"]

    def give_roles(self, user_id: str, *roles: str) -> None:
        self.people.patch(f"/guilds/{self.id}/members/{user_id}", roles=list(roles))

    # -- what is there now ----------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return self.people.get(f"/guilds/{self.id}")

    def member(self, user_id: str) -> dict[str, Any] | None:
        return next((one for one in self.state()["members"] if one["userId"] == user_id), None)

    def has_bot(self, application_id: str) -> bool:
        return application_id in self.state()["bots"]

    def is_banned(self, user_id: str) -> bool:
        return any(ban["userId"] == user_id for ban in self.state()["bans"])

    def messages(self, channel: str = "general", *, reader: str | None = None) -> list[dict[str, Any]]:
        """Oldest first; with `reader` what only they see as well."""
        query = "" if reader is None else f"?userId={reader}"
        return self.people.get(f"/channels/{self.channels[channel]}/messages{query}")["messages"]

    def written(self, channel: str = "general") -> list[str]:
        """Contents of what people wrote and is still there."""
        return [one["content"] for one in self.messages(channel) if not one["author"].get("bot")]

    def embeds(self, channel: str = "mod-log") -> list[dict[str, Any]]:
        return [embed for one in self.messages(channel) for embed in one["embeds"]]

    # -- what people do -------------------------------------------------------------------------

    def say(self, user_id: str, content: str, *, channel: str = "general") -> str:
        """The message's id."""
        return self.people.post_message(self.channels[channel], user_id=user_id, content=content)["id"]

    def edit(self, message_id: str, content: str, *, channel: str = "general") -> None:
        self.people.put(f"/channels/{self.channels[channel]}/messages/{message_id}", content=content)

    def flood(self, user_id: str, *contents: str, count: int, per_second: float | None = None) -> None:
        pace = {} if per_second is None else {"perSecond": per_second}
        path = f"/channels/{self.general}/flood"
        self.people.post(path, userId=user_id, contents=list(contents), count=count, **pace)

    def use(
        self, user_id: str, application_id: str, command: str, *, channel: str = "general", **options: Any
    ) -> dict[str, Any]:
        """What the person sees. A command that Discord does not know yet is waited for."""
        self.house.wait(
            lambda: self.commands(application_id),
            lambda known: any(one == command or one.startswith(f"{command} ") for one in known),
            what=f"/{command} is registered",
        )
        return self.people.interact(
            self.channels[channel],
            userId=user_id,
            applicationId=application_id,
            command=command,
            options=options,
        )

    def commands(self, application_id: str) -> list[str]:
        found = self.people.get(f"/guilds/{self.id}/commands")["commands"]
        return [one["name"] for one in found if one["applicationId"] == application_id]

    def press(
        self,
        user_id: str,
        application_id: str,
        message: dict[str, Any],
        custom_id: str,
        *values: str,
        channel: str = "general",
    ) -> dict[str, Any]:
        chosen = {"values": list(values)} if values else {}
        return self.people.interact(
            self.channels[channel],
            userId=user_id,
            applicationId=application_id,
            messageId=message["id"],
            customId=custom_id,
            **chosen,
        )

    def submit(
        self, user_id: str, application_id: str, custom_id: str, *, channel: str = "general", **fields: Any
    ) -> dict[str, Any]:
        return self.people.interact(
            self.channels[channel],
            userId=user_id,
            applicationId=application_id,
            modal={"customId": custom_id, "fields": fields},
        )

    # -- waits ----------------------------------------------------------------------------------

    def wait_gone(self, *message_ids: str, channel: str = "general") -> None:
        def left() -> list[str]:
            return [one["id"] for one in self.messages(channel) if one["id"] in message_ids]

        self.house.wait(left, lambda still: not still, what=f"messages {message_ids} are deleted")

    def wait_embed(self, *words: str, channel: str = "mod-log") -> dict[str, Any]:
        """The first embed that holds all these words, somewhere."""

        def matching() -> list[dict[str, Any]]:
            return [one for one in self.embeds(channel) if all(word in said(one) for word in words)]

        return self.house.wait(matching, what=f"an embed in {channel} says {words}")[0]


def said(embed: dict[str, Any]) -> str:
    """Everything an embed shows, as one text."""
    fields = [f"{one['name']}: {one['value']}" for one in embed.get("fields", [])]
    footer = embed.get("footer", {}).get("text", "")
    return "\n".join([embed.get("title", ""), embed.get("description", ""), *fields, footer])


def seen(answer: dict[str, Any]) -> str:
    """Everything the answer to an interaction shows, as one text, what followed it included."""
    shown = [answer["message"]] if answer.get("message") else []
    texts: list[str] = []
    for message in (*shown, *answer.get("followups", ())):
        texts += [message["content"], *map(said, message["embeds"])]
    return "\n".join(texts)


def custom_ids(answer: dict[str, Any]) -> list[str]:
    """The components of an answer's message, by custom_id."""

    def walk(items: list[dict[str, Any]]) -> list[str]:
        found: list[str] = []
        for item in items:
            if "custom_id" in item:
                found.append(item["custom_id"])
            found += walk(item.get("components") or [])
        return found

    return walk((answer.get("message") or {}).get("components") or [])
