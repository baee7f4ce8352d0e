"""`resolved`: the users, members, roles and channels that the ids of an interaction stand for."""

from astero_sandbox.discord import permissions
from astero_sandbox.discord.errors import ControlError
from astero_sandbox.discord.models import Channel, Guild, Json
from astero_sandbox.discord.payloads.guilds import role as role_payload
from astero_sandbox.discord.payloads.messages import message as message_payload
from astero_sandbox.discord.payloads.people import member_without_user, user
from astero_sandbox.discord.sandbox import Sandbox

from .envelope import partial_channel


class Resolver:
    """Collects; `body` is left out of the event where nothing was named."""

    def __init__(self, sandbox: Sandbox, guild: Guild | None, user_id: int) -> None:
        self._sandbox = sandbox
        self._guild = guild
        self._user_id = user_id
        self.body: Json = {}

    def _add(self, kind: str, record_id: int, value: Json) -> None:
        self.body.setdefault(kind, {})[str(record_id)] = value

    def user(self, user_id: int) -> None:
        """Anyone who exists; with a member part if in this server."""
        person = self._sandbox.world.users.get(user_id)
        if person is None:
            raise ControlError(404, "unknown_user", f"There is no user {user_id}.")
        self._add("users", user_id, user(person))
        if self._guild is not None and (member := self._guild.members.get(user_id)):
            bits = permissions.in_guild(self._guild, member)
            value = member_without_user(member)
            for name in ("mute", "deaf"):
                del value[name]
            self._add("members", user_id, value | {"permissions": str(bits)})

    def role(self, role_id: int) -> None:
        role = None if self._guild is None else self._guild.roles.get(role_id)
        if role is None:
            raise ControlError(404, "unknown_role", f"There is no role {role_id} here.")
        self._add("roles", role_id, role_payload(role))

    def channel(self, channel_id: int) -> None:
        channel = self._sandbox.world.channels.get(channel_id)
        guild = self._guild
        if channel is None or guild is None or channel.guild_id != guild.id:
            raise ControlError(404, "unknown_channel", f"There is no channel {channel_id} here.")
        bits = permissions.in_channel(guild, channel, guild.members[self._user_id])
        self._add("channels", channel_id, partial_channel(channel, bits))

    def mentionable(self, record_id: int) -> None:
        if self._guild is not None and record_id in self._guild.roles:
            self.role(record_id)
        else:
            self.user(record_id)

    def message(self, channel: Channel, message_id: int) -> None:
        if (record := channel.messages.get(message_id)) is None:
            raise ControlError(404, "unknown_message", f"There is no message {message_id} here.")
        self._add("messages", message_id, message_payload(self._sandbox.world, record))
