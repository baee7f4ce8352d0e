"""Discord's permission bits, how they add up in a channel, and who may act on whom.

https://discord.com/developers/docs/topics/permissions (order of overwrites: everyone, roles, member).
"""

import time
from typing import Final

from .models import Channel, Guild, Member, Role

CREATE_INVITE: Final = 1 << 0
KICK_MEMBERS: Final = 1 << 1
BAN_MEMBERS: Final = 1 << 2
ADMINISTRATOR: Final = 1 << 3
MANAGE_CHANNELS: Final = 1 << 4
MANAGE_GUILD: Final = 1 << 5
ADD_REACTIONS: Final = 1 << 6
VIEW_AUDIT_LOG: Final = 1 << 7
VIEW_CHANNEL: Final = 1 << 10
SEND_MESSAGES: Final = 1 << 11
MANAGE_MESSAGES: Final = 1 << 13
EMBED_LINKS: Final = 1 << 14
ATTACH_FILES: Final = 1 << 15
READ_MESSAGE_HISTORY: Final = 1 << 16
MENTION_EVERYONE: Final = 1 << 17
USE_EXTERNAL_EMOJIS: Final = 1 << 18
CONNECT: Final = 1 << 20
SPEAK: Final = 1 << 21
CHANGE_NICKNAME: Final = 1 << 26
MANAGE_NICKNAMES: Final = 1 << 27
MANAGE_ROLES: Final = 1 << 28
USE_APPLICATION_COMMANDS: Final = 1 << 31
CREATE_PUBLIC_THREADS: Final = 1 << 35
SEND_MESSAGES_IN_THREADS: Final = 1 << 38
MODERATE_MEMBERS: Final = 1 << 40
PIN_MESSAGES: Final = 1 << 51

ALL: Final = (1 << 53) - 1
# What a new server gives everyone, as far as a text bot can notice it.
EVERYONE: Final = (
    CREATE_INVITE
    | ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_EXTERNAL_EMOJIS
    | CONNECT
    | SPEAK
    | CHANGE_NICKNAME
    | USE_APPLICATION_COMMANDS
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS
)
MODERATOR: Final = (
    KICK_MEMBERS | BAN_MEMBERS | VIEW_AUDIT_LOG | MANAGE_MESSAGES | MANAGE_NICKNAMES | MODERATE_MEMBERS
)
# What a moderation bot asks for when it is added.
BOT: Final = (
    VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | ADD_REACTIONS
    | MANAGE_MESSAGES
    | KICK_MEMBERS
    | BAN_MEMBERS
    | MODERATE_MEMBERS
    | MANAGE_ROLES
    | MANAGE_NICKNAMES
    | VIEW_AUDIT_LOG
)
# A timed-out member can look and read, nothing else.
_LEFT_DURING_TIMEOUT: Final = VIEW_CHANNEL | READ_MESSAGE_HISTORY


def is_timed_out(member: Member) -> bool:
    return member.timeout_until is not None and member.timeout_until > time.time()


def in_guild(guild: Guild, member: Member) -> int:
    """Permissions before any channel's overwrites."""
    if guild.owner_id == member.user_id:
        return ALL
    bits = guild.roles[guild.id].permissions
    for role_id in member.roles:
        bits |= guild.roles[role_id].permissions
    if bits & ADMINISTRATOR:
        return ALL
    return bits & _LEFT_DURING_TIMEOUT if is_timed_out(member) else bits


def in_channel(guild: Guild, channel: Channel, member: Member) -> int:
    bits = in_guild(guild, member)
    if bits == ALL or not channel.overwrites:
        return _implied(bits)
    by_id = {overwrite.id: overwrite for overwrite in channel.overwrites}
    if everyone := by_id.get(guild.id):
        bits = bits & ~everyone.deny | everyone.allow
    allow = deny = 0
    for role_id in member.roles:
        if overwrite := by_id.get(role_id):
            allow |= overwrite.allow
            deny |= overwrite.deny
    bits = bits & ~deny | allow
    if personal := by_id.get(member.user_id):
        bits = bits & ~personal.deny | personal.allow
    if is_timed_out(member):
        bits &= _LEFT_DURING_TIMEOUT
    return _implied(bits)


def _implied(bits: int) -> int:
    """Who cannot see a channel can do nothing in it; who cannot write cannot embed or attach."""
    if not bits & VIEW_CHANNEL:
        return 0
    if not bits & SEND_MESSAGES:
        bits &= ~(MENTION_EVERYONE | EMBED_LINKS | ATTACH_FILES)
    return bits


def top_role(guild: Guild, member: Member) -> Role:
    """Highest by position; of two at the same height the older one wins."""
    roles = [guild.roles[role_id] for role_id in member.roles]
    return max([guild.roles[guild.id], *roles], key=lambda role: (role.position, -role.id))


def is_above(guild: Guild, actor: Member, target: Member) -> bool:
    """Whether the hierarchy lets `actor` act on `target`: never on the owner, never on an equal."""
    if target.user_id == guild.owner_id:
        return False
    if actor.user_id == guild.owner_id:
        return True
    return is_role_below(guild, actor, top_role(guild, target))


def is_role_below(guild: Guild, actor: Member, role: Role) -> bool:
    """Whether `role` is strictly lower than the highest role of `actor`."""
    if actor.user_id == guild.owner_id:
        return True
    mine = top_role(guild, actor)
    return (mine.position, -mine.id) > (role.position, -role.id)
