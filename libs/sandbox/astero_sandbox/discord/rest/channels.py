"""Channels of a guild: read, make, change, delete, and who may do what in them."""

from typing import Any

from astero_sandbox.discord import errors, permissions
from astero_sandbox.discord.actions import audit
from astero_sandbox.discord.actions import guilds as actions
from astero_sandbox.discord.models import TEXT_CHANNEL, Channel, Guild, Json, Overwrite
from astero_sandbox.discord.payloads import guilds as wire

from .access import ChannelAccess, channel_access, guild_access
from .forms import FormCheck
from .routing import Call, Reply, route, snowflake

_CHANNEL = "/channels/{channel_id}"
_OVERWRITE = _CHANNEL + "/permissions/{overwrite_id}"
_OVERWRITES_MAX = 1000


@route("GET", "/guilds/{guild_id}/channels", limit=(10, 10.0))
async def list_channels(call: Call) -> Any:
    guild = guild_access(call).guild
    return [wire.guild_channel(item) for item in call.sandbox.world.channels_of(guild)]


@route("POST", "/guilds/{guild_id}/channels", limit=(10, 10.0))
async def create_channel(call: Call) -> Any:
    """Text channels only."""
    access = guild_access(call)
    access.require(permissions.MANAGE_CHANNELS)
    form = call.form()
    _check(form, name_required=True)
    channel = actions.add_channel(
        call.sandbox,
        access.guild,
        name=form["name"],
        topic=form.get("topic"),
        overwrites=_overwrites(form),
    )
    _audit(call, access.guild, audit.CHANNEL_CREATE, channel.id)
    return Reply(201, wire.guild_channel(channel))


@route("GET", _CHANNEL, limit=(10, 10.0))
async def get_channel(call: Call) -> Any:
    return _shown(call, channel_access(call))


@route("PATCH", _CHANNEL, limit=(10, 10.0))
async def edit_channel(call: Call) -> Any:
    access, guild = _managed(call)
    form = call.form()
    _check(form, name_required=False)
    channel = access.channel
    if form.get("name"):
        channel.name = form["name"]
    if "topic" in form:
        channel.topic = form["topic"]
    if form.get("permission_overwrites") is not None:
        channel.overwrites = _overwrites(form)
    actions.update_channel(call.sandbox, guild, channel)
    _audit(call, guild, audit.CHANNEL_UPDATE, channel.id)
    return wire.guild_channel(channel)


@route("DELETE", _CHANNEL, limit=(10, 10.0))
async def delete_channel(call: Call) -> Any:
    access, guild = _managed(call)
    body = wire.guild_channel(access.channel)
    actions.remove_channel(call.sandbox, guild, access.channel)
    _audit(call, guild, audit.CHANNEL_DELETE, access.channel.id)
    return body


@route("PUT", _OVERWRITE, limit=(10, 10.0))
async def set_overwrite(call: Call) -> Any:
    """{type: 0 role | 1 member, allow, deny}."""
    access, guild = _managed(call, needs=permissions.MANAGE_ROLES)
    overwrite_id = call.id("overwrite_id")
    form = call.form()
    new = _overwrite(form | {"id": overwrite_id})
    _replace(access.channel, overwrite_id, new)
    actions.update_channel(call.sandbox, guild, access.channel)


@route("DELETE", _OVERWRITE, limit=(10, 10.0))
async def remove_overwrite(call: Call) -> Any:
    access, guild = _managed(call, needs=permissions.MANAGE_ROLES)
    _replace(access.channel, call.id("overwrite_id"), None)
    actions.update_channel(call.sandbox, guild, access.channel)


def _shown(call: Call, access: ChannelAccess) -> Json:
    if access.guild is not None:
        return wire.guild_channel(access.channel)
    others = [item for item in access.channel.recipients if item != call.bot.id]
    return wire.direct_channel(access.channel, [call.sandbox.world.users[i] for i in others])


def _managed(call: Call, *, needs: int = permissions.MANAGE_CHANNELS) -> tuple[ChannelAccess, Guild]:
    access = channel_access(call)
    if access.guild is None:
        raise errors.DiscordError(403, 50003)
    access.require(needs)
    return access, access.guild


def _check(form: Json, *, name_required: bool) -> None:
    check = FormCheck()
    check.string("name", form.get("name"), min_length=1, max_length=100, required=name_required)
    check.string("topic", form.get("topic"), max_length=1024)
    check.choice("type", form.get("type", TEXT_CHANNEL), (TEXT_CHANNEL,))
    check.objects("permission_overwrites", form.get("permission_overwrites"), maximum=_OVERWRITES_MAX)
    check.done()


def _overwrites(form: Json) -> list[Overwrite]:
    return [_overwrite(item) for item in form.get("permission_overwrites") or ()]


def _overwrite(given: Json) -> Overwrite:
    check = FormCheck()
    for name in ("allow", "deny"):
        check.permission_bits(name, given.get(name))
    check.choice("type", given.get("type"), (0, 1))
    check.done()
    return Overwrite(
        id=snowflake("id", given.get("id")),
        kind=given["type"],
        allow=int(given.get("allow") or 0),
        deny=int(given.get("deny") or 0),
    )


def _replace(channel: Channel, overwrite_id: int, new: Overwrite | None) -> None:
    kept = [item for item in channel.overwrites if item.id != overwrite_id]
    channel.overwrites = kept if new is None else [*kept, new]


def _audit(call: Call, guild: Guild, kind: int, channel_id: int) -> None:
    call.sandbox.audit.record(guild, kind, by=call.bot.id, target=channel_id, reason=call.reason)
