"""Make guilds, channels and roles; tell bots that a guild is there, gone or out."""

import time

from astero_sandbox.discord import permissions
from astero_sandbox.discord.gateway import protocol
from astero_sandbox.discord.models import Channel, Guild, Json, Member, Overwrite, Role
from astero_sandbox.discord.payloads import guilds as wire
from astero_sandbox.discord.payloads.people import member as member_payload
from astero_sandbox.discord.sandbox import Sandbox

CHANNELS = ("general", "mod-log")


def create_guild(sandbox: Sandbox, *, name: str, owner_id: int) -> Guild:
    """A server as the sandbox gives it: its owner, two text channels and a Moderator role."""
    world = sandbox.world
    guild = world.new_guild(name=name, owner_id=owner_id)
    owner = Member(user_id=owner_id, joined_at=time.time())
    world.add_member(guild, owner)
    for position, channel_name in enumerate(CHANNELS):
        world.new_channel(
            Channel(id=world.ids.next_id(), guild_id=guild.id, name=channel_name, position=position)
        )
    add_role(sandbox, guild, name="Moderator", bits=permissions.MODERATOR | permissions.EVERYONE)
    sandbox.broadcast.observe("GUILD_CREATE", guild.id, wire.guild(guild))
    return guild


def add_role(
    sandbox: Sandbox,
    guild: Guild,
    *,
    name: str,
    bits: int,
    color: int = 0,
    bot_id: int | None = None,
    position: int | None = None,
) -> Role:
    """Insert a role; without `position` on top of all, others move up to make room."""
    top = 1 + max(role.position for role in guild.roles.values())
    at = top if position is None else max(1, min(position, top))
    for other in guild.roles.values():
        if other.position >= at:
            other.position += 1
    role = Role(
        id=sandbox.world.ids.next_id(),
        name=name,
        permissions=bits,
        position=at,
        color=color,
        bot_id=bot_id,
    )
    guild.roles[role.id] = role
    sandbox.world.dirty = True
    data = {"guild_id": str(guild.id), "role": wire.role(role)}
    sandbox.broadcast.to_guild(guild, "GUILD_ROLE_CREATE", data)
    # Clients do not move the others themselves: Discord says so of each.
    for other in guild.roles.values():
        if other.position > at:
            update_role(sandbox, guild, other)
    return role


def update_role(sandbox: Sandbox, guild: Guild, role: Role) -> None:
    sandbox.world.dirty = True
    data = {"guild_id": str(guild.id), "role": wire.role(role)}
    sandbox.broadcast.to_guild(guild, "GUILD_ROLE_UPDATE", data)


def remove_role(sandbox: Sandbox, guild: Guild, role: Role) -> None:
    del guild.roles[role.id]
    for member in guild.members.values():
        if role.id in member.roles:
            member.roles.remove(role.id)
    sandbox.world.dirty = True
    data = {"guild_id": str(guild.id), "role_id": str(role.id)}
    sandbox.broadcast.to_guild(guild, "GUILD_ROLE_DELETE", data)


def add_channel(
    sandbox: Sandbox,
    guild: Guild,
    *,
    name: str,
    topic: str | None = None,
    overwrites: list[Overwrite] | None = None,
) -> Channel:
    channel = sandbox.world.new_channel(
        Channel(
            id=sandbox.world.ids.next_id(),
            guild_id=guild.id,
            name=name,
            topic=topic,
            position=len(guild.channel_ids),
            overwrites=overwrites or [],
        )
    )
    sandbox.broadcast.to_guild(guild, "CHANNEL_CREATE", wire.guild_channel(channel))
    return channel


def update_channel(sandbox: Sandbox, guild: Guild, channel: Channel) -> None:
    sandbox.world.dirty = True
    sandbox.broadcast.to_guild(guild, "CHANNEL_UPDATE", wire.guild_channel(channel))


def remove_channel(sandbox: Sandbox, guild: Guild, channel: Channel) -> None:
    guild.channel_ids.remove(channel.id)
    del sandbox.world.channels[channel.id]
    sandbox.world.dirty = True
    sandbox.broadcast.to_guild(guild, "CHANNEL_DELETE", wire.guild_channel(channel))


def update_guild(sandbox: Sandbox, guild: Guild) -> None:
    sandbox.world.dirty = True
    sandbox.broadcast.to_guild(guild, "GUILD_UPDATE", wire.guild(guild))


def guild_create_for(sandbox: Sandbox, guild: Guild, application_id: int, intents: int) -> Json:
    """GUILD_CREATE as one bot sees it: without the presences intent only itself as a member."""
    own = guild.members[application_id]
    people = list(guild.members.values()) if intents & protocol.GUILD_PRESENCES else [own]
    return wire.guild_create(
        guild,
        channels=sandbox.world.channels_of(guild),
        members=[member_payload(item, sandbox.world.users[item.user_id]) for item in people],
        joined_at=own.joined_at,
    )


def announce_guild(sandbox: Sandbox, guild: Guild, application_id: int, *, is_new: bool) -> None:
    """GUILD_CREATE to one bot: it joined, or an outage is over (only then with `unavailable`)."""
    for session in sandbox.hub.sessions_of(application_id):
        if session.intents & protocol.GUILDS:
            data = guild_create_for(sandbox, guild, application_id, session.intents)
            if is_new:
                del data["unavailable"]
            session.dispatch_data("GUILD_CREATE", data)


def set_outage(sandbox: Sandbox, guild: Guild, *, unavailable: bool) -> None:
    """An outage looks like GUILD_DELETE with `unavailable`, its end like GUILD_CREATE."""
    if guild.unavailable == unavailable:
        return
    guild.unavailable = unavailable
    sandbox.world.dirty = True
    told = {"id": str(guild.id), "unavailable": unavailable}
    sandbox.broadcast.observe("SANDBOX_OUTAGE", guild.id, told)
    for application_id in tuple(sandbox.world.bots_in(guild.id)):
        if unavailable:
            data = {"id": str(guild.id), "unavailable": True}
            sandbox.broadcast.to_bot(application_id, "GUILD_DELETE", data, intents=protocol.GUILDS)
        else:
            announce_guild(sandbox, guild, application_id, is_new=False)


def delete_guild(sandbox: Sandbox, guild: Guild) -> None:
    """Gone for everyone; bots cannot tell it from being removed."""
    bots = tuple(sandbox.world.bots_in(guild.id))
    for channel_id in guild.channel_ids:
        del sandbox.world.channels[channel_id]
    sandbox.world.forget_guild(guild)
    data = {"id": str(guild.id)}
    sandbox.broadcast.observe("GUILD_DELETE", guild.id, data)
    for application_id in bots:
        sandbox.broadcast.to_bot(application_id, "GUILD_DELETE", data, intents=protocol.GUILDS)
