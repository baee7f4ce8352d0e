"""Who may do what to whom, from the roles we were told and those the bot has cached.

Roles may have changed since; then Discord's own refusal tells.
"""

from typing import Final

import discord

from astero_shared.features.cases.rules import CaseAction, Standing, may_act_on

# What the bot itself needs for an action, as discord.Permissions names it.
REQUIRED: Final[dict[str, str]] = {
    "delete": "manage_messages",
    "purge": "manage_messages",
    "timeout": "moderate_members",
    "kick": "kick_members",
    "ban": "ban_members",
    "unban": "ban_members",
}


def standing_of(guild: discord.Guild, user_id: int, role_ids: frozenset[int] | None) -> Standing:
    """A member's place from the roles we were told; None for somebody who is not a member."""
    if role_ids is None:
        return Standing(user_id, (0, guild.id), is_member=False)
    roles = [role for role_id in role_ids if (role := guild.get_role(role_id)) is not None]
    top = max(roles, default=guild.default_role)
    permissions = 0
    for role in roles:
        permissions |= role.permissions.value
    return Standing(user_id, (top.position, top.id), permissions)


def find_obstacle(
    guild: discord.Guild, action: CaseAction, target: Standing, moderator: Standing | None = None
) -> str | None:
    """The code of why this must not or cannot be done, None when nothing is known against it."""
    me = guild.me
    bot = Standing(me.id, (me.top_role.position, me.top_role.id))
    owner_id = guild.owner_id or 0
    found = may_act_on(action, target=target, bot=bot, owner_id=owner_id, moderator=moderator)
    needed = REQUIRED.get(action.value)
    if found is None and needed is not None and not getattr(me.guild_permissions, needed):
        return f"cases.missing_{needed}"
    return found


def stands_above(guild: discord.Guild, role_ids: frozenset[int]) -> bool:
    """Whether the highest of the roles is the bot's or above it, however Discord sees the action at hand."""
    limit = guild.me.top_role
    return any(role >= limit for role_id in role_ids if (role := guild.get_role(role_id)) is not None)
