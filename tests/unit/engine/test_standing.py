"""Permissions from a payload's roles agree with discord.py's, for any roles and overwrites."""

from typing import Any

import discord
from hypothesis import given
from hypothesis import strategies as st

from astero_bot_engine.features.automod.standing import member_permissions

GUILD, OWNER, MEMBER, CHANNEL = 1, 2, 3, 4
BITS = [
    discord.Permissions(**{name: True}).value for name in ("manage_messages", "kick_members", "ban_members")
]
ADMINISTRATOR = discord.Permissions(administrator=True).value
masks = st.sets(st.sampled_from(BITS)).map(sum)


def build(roles: list[int], overwrites: list[Any]) -> discord.Guild:
    """A guild as the gateway sends it; the cache around it is discord.py's own."""
    client = discord.Client(
        intents=discord.Intents(guilds=True), member_cache_flags=discord.MemberCacheFlags.none()
    )
    state = client._connection
    me = {"id": "99", "username": "Astero", "discriminator": "0", "avatar": None}
    state.user = discord.ClientUser(state=state, data=me)  # pyright: ignore[reportArgumentType]
    return discord.Guild(
        state=state,
        data={  # pyright: ignore[reportArgumentType]
            "id": str(GUILD),
            "name": "Home",
            "owner_id": str(OWNER),
            "roles": [
                {
                    "id": str(GUILD if index == 0 else 100 + index),
                    "name": f"r{index}",
                    "permissions": str(mask),
                    "position": index,
                    "color": 0,
                    "hoist": False,
                    "managed": False,
                    "mentionable": False,
                }
                for index, mask in enumerate(roles)
            ],
            "channels": [
                {
                    "id": str(CHANNEL),
                    "type": 0,
                    "name": "general",
                    "position": 0,
                    "permission_overwrites": overwrites,
                }
            ],
        },
    )


def overwrite(target: int, kind: int, allow: int, deny: int) -> dict[str, Any]:
    return {"id": str(target), "type": kind, "allow": str(allow), "deny": str(deny & ~allow)}


@given(
    roles=st.lists(masks | st.just(ADMINISTRATOR), min_size=3, max_size=3),
    held=st.sets(st.sampled_from([101, 102])),
    places=st.lists(st.tuples(masks, masks), min_size=4, max_size=4),
)
def test_agrees_with_the_library(roles: list[int], held: set[int], places: list[tuple[int, int]]) -> None:
    targets = [(MEMBER, 1), (101, 0), (GUILD, 0), (102, 0)]
    overwrites = [
        overwrite(target, kind, allow, deny)
        for (target, kind), (allow, deny) in zip(targets, places, strict=True)
    ]
    # Who writes in a channel sees it; without that discord.py denies everything there.
    guild = build([roles[0] | discord.Permissions(view_channel=True).value, *roles[1:]], overwrites)
    member = discord.Member(
        state=guild._state,
        guild=guild,
        data={  # pyright: ignore[reportArgumentType]
            "user": {"id": str(MEMBER), "username": "nova", "discriminator": "0", "avatar": None},
            "roles": [str(role) for role in held],
            "joined_at": None,
            "flags": 0,
        },
    )
    channel = guild.get_channel(CHANNEL)
    assert channel is not None
    expected = channel.permissions_for(member)
    found = member_permissions(guild, CHANNEL, MEMBER, frozenset(held))
    for bit in BITS:
        assert bool(found & bit) == bool(expected.value & bit)


def test_the_owner_may_everything() -> None:
    guild = build([0, 0, 0], [])
    assert member_permissions(guild, CHANNEL, OWNER, frozenset()) & ADMINISTRATOR
