"""Which gateway events discord.py's cache needs; every other event is never parsed by it.

Messages, reactions, presences and members of others are not here: no cache of ours holds them.
"""

from typing import Final

PARSED: Final = frozenset(
    {
        "CHANNEL_CREATE",
        "CHANNEL_DELETE",
        "CHANNEL_UPDATE",
        "GUILD_CREATE",
        "GUILD_DELETE",
        "GUILD_MEMBERS_CHUNK",
        "GUILD_MEMBER_UPDATE",
        "GUILD_ROLE_CREATE",
        "GUILD_ROLE_DELETE",
        "GUILD_ROLE_UPDATE",
        "GUILD_UPDATE",
        "INTERACTION_CREATE",
        "READY",
        "RESUMED",
        "THREAD_CREATE",
        "THREAD_DELETE",
        "THREAD_LIST_SYNC",
        "THREAD_UPDATE",
        "USER_UPDATE",
    }
)
