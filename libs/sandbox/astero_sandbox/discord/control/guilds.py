"""Servers, their channels and roles, and whether they are reachable."""

from typing import Any

from astero_sandbox.discord import permissions
from astero_sandbox.discord.actions import guilds as actions
from astero_sandbox.discord.errors import ControlError
from astero_sandbox.discord.models import Channel, Guild, Member, Overwrite, Role
from astero_sandbox.discord.sandbox import Sandbox
from astero_sandbox.discord.snowflakes import iso

from .routing import Command, as_id, control


@control("POST", "/guilds")
async def create_guild(command: Command) -> Any:
    """{name, ownerId}; channels general and mod-log, roles @everyone and Moderator."""
    owner = command.user(command.id_of("ownerId"))
    if owner.bot:
        raise ControlError(400, "not_a_person", "A server belongs to a person, not to a bot.")
    guild = actions.create_guild(command.sandbox, name=command.text("name"), owner_id=owner.id)
    return shown_guild(command.sandbox, guild)


@control("GET", "/guilds")
async def list_guilds(command: Command) -> Any:
    guilds = command.sandbox.world.guilds.values()
    return {"guilds": [shown_guild(command.sandbox, guild) for guild in guilds]}


@control("GET", "/guilds/{guild_id}")
async def get_guild(command: Command) -> Any:
    """The guild with members, roles, timeouts, bans and bots as they are now."""
    guild = command.path_guild()
    return shown_guild(command.sandbox, guild) | {
        "members": [shown_member(command.sandbox, guild, member) for member in guild.members.values()],
        "bans": [{"userId": str(user_id), "reason": reason} for user_id, reason in guild.bans.items()],
        "bots": [str(item) for item in command.sandbox.world.bots_in(guild.id)],
    }


@control("PATCH", "/guilds/{guild_id}")
async def edit_guild(command: Command) -> Any:
    """{name?, ownerId?}: the owner renames the server or hands it to another member."""
    guild = command.path_guild()
    if "name" in command.body:
        guild.name = command.text("name")
    if "ownerId" in command.body:
        guild.owner_id = command.member(guild, command.id_of("ownerId")).user_id
    actions.update_guild(command.sandbox, guild)
    return shown_guild(command.sandbox, guild)


@control("DELETE", "/guilds/{guild_id}")
async def delete_guild(command: Command) -> Any:
    """The owner deletes the server: every bot hears GUILD_DELETE as if it had been removed."""
    guild = command.path_guild()
    actions.delete_guild(command.sandbox, guild)


@control("POST", "/guilds/{guild_id}/outage")
async def set_outage(command: Command) -> Any:
    """{unavailable: bool}."""
    guild = command.path_guild()
    unavailable = command.body.get("unavailable", True)
    if not isinstance(unavailable, bool):
        raise ControlError(400, "not_a_boolean", "unavailable must be true or false.")
    actions.set_outage(command.sandbox, guild, unavailable=unavailable)
    return shown_guild(command.sandbox, guild)


@control("POST", "/guilds/{guild_id}/channels")
async def create_channel(command: Command) -> Any:
    """{name, topic?, overwrites?: [{id, type?: "role"|"member", allow?, deny?}]}."""
    guild = command.path_guild()
    overwrites = [_overwrite(item) for item in command.items("overwrites")]
    channel = actions.add_channel(
        command.sandbox,
        guild,
        name=command.text("name"),
        topic=command.body.get("topic"),
        overwrites=overwrites,
    )
    return {"id": str(channel.id), "name": channel.name}


def _overwrite(item: object) -> Overwrite:
    if not isinstance(item, dict):
        raise ControlError(400, "not_an_object", "overwrites must be a list of objects.")
    return Overwrite(
        id=as_id("overwrites.id", item.get("id")),
        kind=1 if item.get("type") in ("member", 1) else 0,
        allow=bits("allow", item.get("allow", 0)),
        deny=bits("deny", item.get("deny", 0)),
    )


@control("PATCH", "/channels/{channel_id}")
async def edit_channel(command: Command) -> Any:
    """{name?, topic?, overwrites?}; the overwrites given replace all others."""
    channel, guild = _guild_channel(command)
    if "name" in command.body:
        channel.name = command.text("name")
    if "topic" in command.body:
        channel.topic = command.text("topic")
    if "overwrites" in command.body:
        channel.overwrites = [_overwrite(item) for item in command.items("overwrites")]
    actions.update_channel(command.sandbox, guild, channel)
    return {"id": str(channel.id), "name": channel.name}


@control("DELETE", "/channels/{channel_id}")
async def delete_channel(command: Command) -> Any:
    channel, guild = _guild_channel(command)
    actions.remove_channel(command.sandbox, guild, channel)


def _guild_channel(command: Command) -> tuple[Channel, Guild]:
    channel = command.path_channel()
    if channel.guild_id is None:
        raise ControlError(400, "direct_channel", "A direct conversation has no settings.")
    return channel, command.sandbox.world.guilds[channel.guild_id]


@control("POST", "/guilds/{guild_id}/roles")
async def create_role(command: Command) -> Any:
    """{name, permissions?, position?}; without a position on top of all others."""
    guild = command.path_guild()
    position = command.body.get("position")
    role = actions.add_role(
        command.sandbox,
        guild,
        name=command.text("name"),
        bits=bits("permissions", command.body.get("permissions", 0)),
        position=None if position is None else as_id("position", position),
    )
    return shown_role(role)


@control("PATCH", "/guilds/{guild_id}/roles/{role_id}")
async def edit_role(command: Command) -> Any:
    """{permissions?, name?, position?}; also of a bot's managed role, as the owner may."""
    guild = command.path_guild()
    role = find_role(guild, command.path["role_id"])
    if "permissions" in command.body:
        role.permissions = bits("permissions", command.body["permissions"])
    if "name" in command.body:
        role.name = command.text("name")
    if "position" in command.body:
        role.position = as_id("position", command.body["position"])
    actions.update_role(command.sandbox, guild, role)
    return shown_role(role)


@control("DELETE", "/guilds/{guild_id}/roles/{role_id}")
async def delete_role(command: Command) -> Any:
    guild = command.path_guild()
    role = find_role(guild, command.path["role_id"])
    if role.id == guild.id:
        raise ControlError(400, "everyone", "@everyone cannot be deleted.")
    actions.remove_role(command.sandbox, guild, role)


def find_role(guild: Guild, value: object) -> Role:
    """By id or by name."""
    text = str(value)
    if text.isdigit() and int(text) in guild.roles:
        return guild.roles[int(text)]
    for role in guild.roles.values():
        if role.name.lower() == text.lower():
            return role
    raise ControlError(404, "unknown_role", f"There is no role {text} in {guild.name}.")


def bits(name: str, value: object) -> int:
    """Permissions as a number, a text of digits, or a list of names such as "KICK_MEMBERS"."""
    if isinstance(value, list):
        total = 0
        for item in value:
            bit = getattr(permissions, str(item).upper(), None)
            if not isinstance(bit, int):
                raise ControlError(400, "unknown_permission", f"{item!r} is no permission.")
            total |= bit
        return total
    return as_id(name, value)


def shown_role(role: Role) -> dict[str, Any]:
    return {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(role.permissions),
        "position": role.position,
        "managed": role.bot_id is not None,
    }


def shown_guild(sandbox: Sandbox, guild: Guild) -> dict[str, Any]:
    return {
        "guildId": str(guild.id),
        "name": guild.name,
        "ownerId": str(guild.owner_id),
        "unavailable": guild.unavailable,
        "channels": [{"id": str(item.id), "name": item.name} for item in sandbox.world.channels_of(guild)],
        "roles": [shown_role(role) for role in guild.roles.values()],
    }


def shown_member(sandbox: Sandbox, guild: Guild, member: Member) -> dict[str, Any]:
    user = sandbox.world.users[member.user_id]
    return {
        "userId": str(user.id),
        "username": user.username,
        "nick": member.nick,
        "bot": user.bot,
        "owner": guild.owner_id == user.id,
        "roles": [str(role_id) for role_id in member.roles],
        "roleNames": [guild.roles[role_id].name for role_id in member.roles],
        "permissions": str(permissions.in_guild(guild, member)),
        "timedOutUntil": iso(member.timeout_until)
        if member.timeout_until is not None and permissions.is_timed_out(member)
        else None,
    }
