"""People and bots join, change, leave, are banned; every bot that may know is told."""

import time
from typing import Any

from astero_sandbox.discord import permissions
from astero_sandbox.discord.gateway import protocol
from astero_sandbox.discord.models import Guild, Json, Member
from astero_sandbox.discord.payloads.people import member as member_payload
from astero_sandbox.discord.payloads.people import user as user_payload
from astero_sandbox.discord.sandbox import Sandbox

from .guilds import add_role, announce_guild, remove_role


def join(sandbox: Sandbox, guild: Guild, user_id: int, *, roles: list[int]) -> Member:
    """A person joins; one who is there already keeps everything and gets the roles."""
    if (member := guild.members.get(user_id)) is not None:
        added = [role_id for role_id in roles if role_id not in member.roles]
        if added:
            update_member(sandbox, guild, member, roles=[*member.roles, *added])
        return member
    member = Member(user_id=user_id, joined_at=time.time(), roles=roles)
    sandbox.world.add_member(guild, member)
    data = _with_guild(sandbox, guild, member)
    sandbox.broadcast.to_guild(
        guild, "GUILD_MEMBER_ADD", data, intents=protocol.GUILD_MEMBERS, except_bot=user_id
    )
    return member


def join_bot(
    sandbox: Sandbox, guild: Guild, application_id: int, *, bits: int | None, roles: list[int]
) -> Member:
    """A bot joins with a managed role of its own, on top of the others, and is told GUILD_CREATE."""
    if application_id in guild.members:
        return guild.members[application_id]
    app = sandbox.world.applications[application_id]
    managed = add_role(
        sandbox,
        guild,
        name=app.name,
        bits=permissions.BOT if bits is None else bits,
        bot_id=application_id,
    )
    member = join(sandbox, guild, application_id, roles=[managed.id, *roles])
    if not guild.unavailable:
        announce_guild(sandbox, guild, application_id, is_new=True)
    return member


def leave(sandbox: Sandbox, guild: Guild, user_id: int, *, by: int | None = None, how: str = "leave") -> None:
    """Leaving and being kicked look alike to bots; `by` and `how` are for the page.

    A bot that goes loses its managed role and hears GUILD_DELETE.
    """
    told = {"user_id": str(user_id), "by": by and str(by), "how": how}
    sandbox.broadcast.observe("SANDBOX_MEMBER_GONE", guild.id, told)
    sandbox.world.remove_member(guild, user_id)
    person = sandbox.world.users[user_id]
    if user_id in sandbox.world.applications:
        # Without `unavailable`: that is how a bot knows it was removed.
        data = {"id": str(guild.id)}
        sandbox.broadcast.to_bot(user_id, "GUILD_DELETE", data, intents=protocol.GUILDS)
        for role in [item for item in guild.roles.values() if item.bot_id == user_id]:
            remove_role(sandbox, guild, role)
    gone = {"guild_id": str(guild.id), "user": user_payload(person)}
    sandbox.broadcast.to_guild(guild, "GUILD_MEMBER_REMOVE", gone, intents=protocol.GUILD_MEMBERS)


def update_member(sandbox: Sandbox, guild: Guild, member: Member, **changes: Any) -> Member:
    """A bot hears of itself without the members intent, of others only with it."""
    for name, value in changes.items():
        setattr(member, name, value)
    sandbox.world.dirty = True
    data = _with_guild(sandbox, guild, member)
    own = member.user_id if member.user_id in sandbox.world.applications else None
    sandbox.broadcast.to_guild(
        guild,
        "GUILD_MEMBER_UPDATE",
        data,
        intents=protocol.GUILD_MEMBERS,
        except_bot=own,
    )
    if own is not None and not guild.unavailable:
        sandbox.broadcast.to_bot(own, "GUILD_MEMBER_UPDATE", data, intents=protocol.GUILDS)
    return member


def ban(sandbox: Sandbox, guild: Guild, user_id: int, *, reason: str | None, by: int) -> None:
    """Also of somebody who never was here; a member is removed as well."""
    guild.bans[user_id] = reason
    sandbox.world.dirty = True
    data = {"guild_id": str(guild.id), "user": user_payload(sandbox.world.users[user_id])}
    sandbox.broadcast.to_guild(guild, "GUILD_BAN_ADD", data, intents=protocol.GUILD_MODERATION)
    if user_id in guild.members:
        leave(sandbox, guild, user_id, by=by, how="ban")


def unban(sandbox: Sandbox, guild: Guild, user_id: int) -> None:
    del guild.bans[user_id]
    sandbox.world.dirty = True
    data = {"guild_id": str(guild.id), "user": user_payload(sandbox.world.users[user_id])}
    sandbox.broadcast.to_guild(guild, "GUILD_BAN_REMOVE", data, intents=protocol.GUILD_MODERATION)


def _with_guild(sandbox: Sandbox, guild: Guild, member: Member) -> Json:
    person = sandbox.world.users[member.user_id]
    return member_payload(member, person) | {"guild_id": str(guild.id)}
