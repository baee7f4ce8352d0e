"""What a bot may do, from its cache alone: its permissions in a channel, and whom it stands above.

Asking first keeps 403 answers, which count against every bot of this address, from being spent on refusals
that we can foresee. An unknown guild or channel is answered with None, never with a guess.
"""

from dataclasses import dataclass, field

import discord

from astero_bot_engine.gateway.client import BotClient


@dataclass(frozen=True, slots=True)
class Target:
    """The member an action is aimed at; `role_ids` without @everyone."""

    user_id: int
    role_ids: frozenset[int] = field(default_factory=frozenset[int])


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


def stands_in_the_way(bot: BotClient, guild_id: int, target: Target) -> str | None:
    """Why the bot cannot act on `target` (`guard.target_is_owner` …), None when nothing does.

    Discord compares highest roles: only a strictly lower one can be acted upon.
    """
    guild = bot.get_guild(guild_id)
    if guild is None or (me := guild.get_member(bot.own_id)) is None:
        return "guard.unknown_guild"
    if target.user_id == bot.own_id:
        return "guard.target_is_self"
    if target.user_id == guild.owner_id:
        return "guard.target_is_owner"
    if guild.owner_id == bot.own_id:
        return None
    highest = me.top_role
    above = any(
        role >= highest for role_id in target.role_ids if (role := guild.get_role(role_id)) is not None
    )
    return "guard.target_above_bot" if above else None
