"""How permissions add up, and who stands above whom."""

import time

from astero_sandbox.discord import permissions as p
from astero_sandbox.discord.models import Channel, Guild, Member, Overwrite, Role

OWNER, NOVA, BOT = 1, 2, 3
EVERYONE, LOW, HIGH = 100, 101, 102


def guild() -> Guild:
    return Guild(
        id=EVERYONE,
        name="Home",
        owner_id=OWNER,
        roles={
            EVERYONE: Role(id=EVERYONE, name="@everyone", permissions=p.EVERYONE, position=0),
            LOW: Role(id=LOW, name="low", permissions=p.KICK_MEMBERS, position=1),
            HIGH: Role(id=HIGH, name="high", permissions=p.MANAGE_MESSAGES, position=2),
        },
    )


def member(user_id: int, *roles: int, timeout_until: float | None = None) -> Member:
    return Member(user_id=user_id, joined_at=0.0, roles=list(roles), timeout_until=timeout_until)


def channel(*overwrites: Overwrite) -> Channel:
    return Channel(id=200, guild_id=EVERYONE, name="general", overwrites=list(overwrites))


def test_roles_add_up_and_the_owner_may_everything() -> None:
    assert p.in_guild(guild(), member(NOVA, LOW)) == p.EVERYONE | p.KICK_MEMBERS
    assert p.in_guild(guild(), member(OWNER)) == p.ALL


def test_an_administrator_is_not_bound_by_overwrites() -> None:
    house = guild()
    house.roles[LOW].permissions = p.ADMINISTRATOR
    shut = channel(Overwrite(id=EVERYONE, kind=0, deny=p.VIEW_CHANNEL))
    assert p.in_channel(house, shut, member(NOVA, LOW)) == p.ALL


def test_overwrites_apply_in_order_everyone_roles_member() -> None:
    shut = Overwrite(id=EVERYONE, kind=0, deny=p.SEND_MESSAGES)
    opened = Overwrite(id=LOW, kind=0, allow=p.SEND_MESSAGES)
    denied = Overwrite(id=HIGH, kind=0, deny=p.SEND_MESSAGES)
    personal = Overwrite(id=NOVA, kind=1, deny=p.SEND_MESSAGES)

    def may_write(who: Member, *overwrites: Overwrite) -> bool:
        return bool(p.in_channel(guild(), channel(*overwrites), who) & p.SEND_MESSAGES)

    assert not may_write(member(NOVA), shut)
    assert may_write(member(NOVA, LOW), shut, opened)
    # Among roles an allow wins over a deny.
    assert may_write(member(NOVA, LOW, HIGH), shut, opened, denied)
    assert not may_write(member(NOVA, LOW), shut, opened, personal)


def test_who_cannot_see_a_channel_can_do_nothing_in_it() -> None:
    shut = channel(Overwrite(id=EVERYONE, kind=0, deny=p.VIEW_CHANNEL))
    assert p.in_channel(guild(), shut, member(NOVA, HIGH)) == 0


def test_who_cannot_write_cannot_embed_or_attach() -> None:
    quiet = channel(Overwrite(id=EVERYONE, kind=0, deny=p.SEND_MESSAGES))
    bits = p.in_channel(guild(), quiet, member(NOVA))
    assert not bits & (p.EMBED_LINKS | p.ATTACH_FILES)
    assert bits & p.READ_MESSAGE_HISTORY


def test_a_timeout_leaves_looking_and_reading_until_it_ends() -> None:
    until = time.time() + 60
    bits = p.in_channel(guild(), channel(), member(NOVA, HIGH, timeout_until=until))
    assert bits == p.VIEW_CHANNEL | p.READ_MESSAGE_HISTORY
    over = member(NOVA, HIGH, timeout_until=time.time() - 1)
    assert p.in_channel(guild(), channel(), over) & p.MANAGE_MESSAGES


def test_hierarchy_is_strict_and_spares_the_owner() -> None:
    house = guild()
    assert p.is_above(house, member(BOT, HIGH), member(NOVA, LOW))
    assert not p.is_above(house, member(BOT, LOW), member(NOVA, LOW))
    assert not p.is_above(house, member(BOT, LOW), member(NOVA, HIGH))
    assert not p.is_above(house, member(BOT, HIGH), member(OWNER))
    assert p.is_above(house, member(OWNER), member(NOVA, HIGH))


def test_of_two_roles_at_one_height_the_older_is_above() -> None:
    house = guild()
    house.roles[HIGH].position = house.roles[LOW].position
    assert p.is_above(house, member(BOT, LOW), member(NOVA, HIGH))
    assert not p.is_above(house, member(BOT, HIGH), member(NOVA, LOW))
