"""Who joins, leaves and comes back; a bot is added here as its invite link would."""

from typing import Any

from astero_sandbox.discord.actions import guilds as guild_actions
from astero_sandbox.discord.actions import members as actions
from astero_sandbox.discord.errors import ControlError
from astero_sandbox.discord.models import Guild, Member

from .guilds import bits, find_role, shown_member
from .routing import Command, as_id, control


@control("POST", "/guilds/{guild_id}/members")
async def add_member(command: Command) -> Any:
    """{userId | applicationId, roles?: ids or names, permissions?}.

    For a person `permissions` makes a role with these bits, below every bot's own role. For a bot
    they are those of its managed role, which is placed on top.
    """
    guild = command.path_guild()
    roles = [find_role(guild, item).id for item in command.items("roles")]
    wanted = command.body.get("permissions")
    wanted = None if wanted is None else bits("permissions", wanted)
    if "applicationId" in command.body:
        app = command.application(command.id_of("applicationId"))
        member = actions.join_bot(command.sandbox, guild, app.id, bits=wanted, roles=roles)
    else:
        member = _add_person(command, guild, roles, wanted)
    return shown_member(command.sandbox, guild, member)


def _add_person(command: Command, guild: Guild, roles: list[int], wanted: int | None) -> Member:
    user = command.user(command.id_of("userId"))
    if user.bot:
        return actions.join_bot(command.sandbox, guild, user.id, bits=wanted, roles=roles)
    if user.id in guild.bans:
        raise ControlError(403, "banned", f"{user.username} is banned from {guild.name}.")
    if wanted is not None:
        bots = [role.position for role in guild.roles.values() if role.bot_id is not None]
        role = guild_actions.add_role(
            command.sandbox,
            guild,
            name=f"{user.username} permissions",
            bits=wanted,
            position=min(bots, default=None),
        )
        roles = [*roles, role.id]
    return actions.join(command.sandbox, guild, user.id, roles=roles)


@control("PATCH", "/guilds/{guild_id}/members/{user_id}")
async def edit_member(command: Command) -> Any:
    """{roles?: ids or names, nick?}: what the owner changes by hand."""
    guild = command.path_guild()
    member = command.member(guild, as_id("userId", command.path["user_id"]))
    changes: dict[str, Any] = {}
    if "roles" in command.body:
        changes["roles"] = [find_role(guild, item).id for item in command.items("roles")]
    if "nick" in command.body:
        changes["nick"] = command.body["nick"]
    actions.update_member(command.sandbox, guild, member, **changes)
    return shown_member(command.sandbox, guild, member)


@control("DELETE", "/guilds/{guild_id}/members/{user_id}")
async def remove_member(command: Command) -> Any:
    """The person leaves; a bot is removed and hears GUILD_DELETE. An application id will do too."""
    guild = command.path_guild()
    member = command.member(guild, as_id("userId", command.path["user_id"]))
    if member.user_id == guild.owner_id:
        raise ControlError(400, "owner", "The owner cannot leave the server.")
    actions.leave(command.sandbox, guild, member.user_id)


@control("DELETE", "/guilds/{guild_id}/bans/{user_id}")
async def lift_ban(command: Command) -> Any:
    guild = command.path_guild()
    user = command.path_user()
    if user.id not in guild.bans:
        raise ControlError(404, "not_banned", f"{user.username} is not banned.")
    actions.unban(command.sandbox, guild, user.id)
