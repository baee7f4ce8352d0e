"""What a member may do in a channel, from the roles in the message and the server's cached roles.

The gateway's payload is newer than any cache of members could be, and no such cache is kept.
"""

from typing import Final

import discord

_ALL: Final = (1 << 53) - 1
_ROLE: Final = 0


def member_permissions(guild: discord.Guild, channel_id: int, user_id: int, role_ids: frozenset[int]) -> int:
    """Discord's own order: everyone, roles, administrator; then the channel's overwrites of everyone, of
    roles, of the member. A thread has those of its channel.
    """
    if user_id == guild.owner_id:
        return _ALL
    permissions = guild.default_role.permissions.value
    for role_id in role_ids:
        role = guild.get_role(role_id)
        permissions |= 0 if role is None else role.permissions.value
    if permissions & discord.Permissions(administrator=True).value:
        return _ALL
    channel = guild.get_channel_or_thread(channel_id)
    place = channel.parent if isinstance(channel, discord.Thread) else channel
    if place is None:
        return permissions
    allow, deny = 0, 0
    own = None
    for overwrite in place._overwrites:  # noqa: SLF001 - the public form builds objects for each
        if overwrite.type != _ROLE:
            own = overwrite if overwrite.id == user_id else own
        elif overwrite.id == guild.id:
            permissions = permissions & ~overwrite.deny | overwrite.allow
        elif overwrite.id in role_ids:
            allow |= overwrite.allow
            deny |= overwrite.deny
    permissions = permissions & ~deny | allow
    return permissions if own is None else permissions & ~own.deny | own.allow
