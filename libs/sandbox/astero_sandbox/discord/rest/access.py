"""What the calling bot may see and do: 10xxx where nothing is, 50001 unseen, 50013 not allowed."""

from dataclasses import dataclass

from astero_sandbox.discord import errors, permissions
from astero_sandbox.discord.models import Channel, Guild, Member

from .routing import Call


@dataclass(frozen=True, slots=True)
class GuildAccess:
    guild: Guild
    me: Member

    def require(self, needs: int) -> None:
        """All bits of `needs`, in the guild as a whole."""
        if permissions.in_guild(self.guild, self.me) & needs != needs:
            raise errors.missing_permissions()

    def require_above(self, target: Member) -> None:
        if not permissions.is_above(self.guild, self.me, target):
            raise errors.missing_permissions()


@dataclass(frozen=True, slots=True)
class ChannelAccess:
    """`guild` is None in a direct conversation, where every permission that makes sense is held."""

    channel: Channel
    guild: Guild | None
    bits: int

    def require(self, needs: int) -> None:
        if self.bits & needs != needs:
            raise errors.missing_permissions()


_IN_DM = (
    permissions.VIEW_CHANNEL
    | permissions.SEND_MESSAGES
    | permissions.READ_MESSAGE_HISTORY
    | permissions.EMBED_LINKS
    | permissions.ATTACH_FILES
    | permissions.ADD_REACTIONS
)


def guild_access(call: Call) -> GuildAccess:
    guild = call.sandbox.world.get_guild(call.id("guild_id"))
    me = guild.members.get(call.bot.id)
    if me is None:
        raise errors.missing_access()
    return GuildAccess(guild, me)


def channel_access(call: Call) -> ChannelAccess:
    channel = call.sandbox.world.get_channel(call.id("channel_id"))
    return channel_access_of(call, channel)


def channel_access_of(call: Call, channel: Channel) -> ChannelAccess:
    if channel.guild_id is None:
        if call.bot.id not in channel.recipients:
            raise errors.missing_access()
        return ChannelAccess(channel, None, _IN_DM)
    guild = call.sandbox.world.guilds[channel.guild_id]
    me = guild.members.get(call.bot.id)
    if me is None:
        raise errors.missing_access()
    bits = permissions.in_channel(guild, channel, me)
    if not bits & permissions.VIEW_CHANNEL:
        raise errors.missing_access()
    return ChannelAccess(channel, guild, bits)
