"""Guilds, their channels and their roles, as far as a moderation bot reads them."""

from typing import Any

from astero_sandbox.discord.payloads import guilds as wire

from .access import channel_access, guild_access
from .routing import Call, route


@route("GET", "/guilds/{guild_id}", limit=(5, 5.0))
async def get_guild(call: Call) -> Any:
    guild = guild_access(call).guild
    body = wire.guild(guild)
    if call.query.get("with_counts") in ("true", "True", "1"):
        body["approximate_member_count"] = len(guild.members)
        body["approximate_presence_count"] = len(guild.members)
    return body


@route("GET", "/guilds/{guild_id}/channels", limit=(10, 10.0))
async def list_channels(call: Call) -> Any:
    guild = guild_access(call).guild
    return [wire.guild_channel(item) for item in call.sandbox.world.channels_of(guild)]


@route("GET", "/channels/{channel_id}", limit=(10, 10.0))
async def get_channel(call: Call) -> Any:
    access = channel_access(call)
    if access.guild is not None:
        return wire.guild_channel(access.channel)
    others = [item for item in access.channel.recipients if item != call.bot.id]
    return wire.direct_channel(access.channel, [call.sandbox.world.users[i] for i in others])
