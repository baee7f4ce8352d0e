"""Who is offered a command: default_member_permissions, and the right to use commands at all."""

from astero_sandbox.discord import permissions
from astero_sandbox.discord.models import Channel, Guild, Json, Member


def may_use_command(guild: Guild, member: Member, body: Json, channel: Channel | None = None) -> bool:
    """Null means everyone, "0" only administrators; without a channel the guild's permissions count."""
    held = (
        permissions.in_guild(guild, member)
        if channel is None
        else permissions.in_channel(guild, channel, member)
    )
    if not held & permissions.USE_APPLICATION_COMMANDS:
        return False
    default = body["default_member_permissions"]
    if default is None or permissions.in_guild(guild, member) == permissions.ALL:
        return True
    needs = int(default)
    return needs != 0 and held & needs == needs
