"""What a bot may do, from its cache alone.

Asking first keeps 403 answers, which count against every bot of this address, from being spent on refusals
that we can foresee. What is not in the cache is answered with None, never with a guess.
"""

import discord

from astero_bot_engine.gateway.client import BotClient


def bot_permissions(bot: BotClient, guild_id: int, channel_id: int | None = None) -> int | None:
    """The bot's permission bits in the channel or thread, or in the guild as a whole."""
    guild = bot.get_guild(guild_id)
    if guild is None or guild.unavailable or (me := guild.get_member(bot.own_id)) is None:
        return None
    if channel_id is None:
        return me.guild_permissions.value
    channel = guild.get_channel_or_thread(channel_id)
    if channel is None or (isinstance(channel, discord.Thread) and channel.parent is None):
        return None
    return channel.permissions_for(me).value
