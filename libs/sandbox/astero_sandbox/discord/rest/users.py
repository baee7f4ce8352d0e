"""Users, the guilds one is in, and direct conversations."""

from typing import Any

from astero_sandbox.discord import errors, permissions
from astero_sandbox.discord.actions.members import leave
from astero_sandbox.discord.models import DM_CHANNEL, Channel
from astero_sandbox.discord.payloads import guilds as guild_wire
from astero_sandbox.discord.payloads import people as people_wire

from .routing import Call, route, snowflake


@route("GET", "/users/@me", auth="bearer")
async def get_current_user(call: Call) -> Any:
    if call.person is not None:
        return people_wire.current_user(call.person, with_email="email" in call.scopes)
    return people_wire.current_user(call.sandbox.world.users[call.bot.id])


@route("GET", "/users/@me/guilds", limit=(1, 1.0), auth="bearer")
async def list_current_guilds(call: Call) -> Any:
    """At most 200 a page, by id; `before`, `after` and `limit` as Discord."""
    if call.person is not None and "guilds" not in call.scopes:
        raise errors.unauthorized()
    user_id = call.bot.id if call.person is None else call.person.id
    limit = min(int(call.query.get("limit", 200)), 200)
    found = sorted(call.sandbox.world.guilds_of(user_id), key=lambda guild: guild.id)
    if "after" in call.query:
        found = [guild for guild in found if guild.id > snowflake("after", call.query["after"])]
    if "before" in call.query:
        before = snowflake("before", call.query["before"])
        found = [guild for guild in found if guild.id < before][-limit:]
    return [
        guild_wire.user_guild(
            guild,
            is_owner=guild.owner_id == user_id,
            permissions=permissions.in_guild(guild, guild.members[user_id]),
            counts=call.query.get("with_counts") in ("true", "True", "1"),
        )
        for guild in found[:limit]
    ]


@route("DELETE", "/users/@me/guilds/{guild_id}")
async def leave_guild(call: Call) -> Any:
    guild = call.sandbox.world.get_guild(call.id("guild_id"))
    if call.bot.id not in guild.members:
        raise errors.unknown(10004)
    leave(call.sandbox, guild, call.bot.id)


@route("POST", "/users/@me/channels", limit=(10, 10.0))
async def create_dm(call: Call) -> Any:
    """The conversation with `recipient_id`, made once and found again."""
    recipient_id = snowflake("recipient_id", call.form().get("recipient_id"))
    world = call.sandbox.world
    recipient = world.get_user(recipient_id)
    if recipient.id == call.bot.id:
        raise errors.DiscordError(400, 50033)
    channel = world.find_dm(call.bot.id, recipient.id)
    if channel is None:
        channel = world.new_channel(
            Channel(id=world.ids.next_id(), type=DM_CHANNEL, recipients=[call.bot.id, recipient.id])
        )
    return guild_wire.direct_channel(channel, [recipient])


@route("GET", "/users/{user_id}", limit=(30, 30.0))
async def get_user(call: Call) -> Any:
    return people_wire.user(call.sandbox.world.get_user(call.id("user_id")))
