"""Bans: also of people who are not here; with messages of the last days deleted on request."""

import time
from typing import Any, Final

from astero_sandbox.discord import errors, permissions
from astero_sandbox.discord.actions import audit
from astero_sandbox.discord.actions import members as actions
from astero_sandbox.discord.actions import messages as message_actions
from astero_sandbox.discord.models import Json
from astero_sandbox.discord.payloads.people import user as user_payload
from astero_sandbox.discord.snowflakes import timestamp_of

from .access import GuildAccess, guild_access
from .forms import FormCheck
from .routing import Call, route, snowflake

_BAN = "/guilds/{guild_id}/bans/{user_id}"
_WEEK: Final = 604_800
_PAGE_MAX: Final = 1000
_BULK_MAX: Final = 200


@route("GET", "/guilds/{guild_id}/bans", limit=(5, 5.0))
async def list_bans(call: Call) -> Any:
    """By user id; `limit`, `before`, `after`."""
    access = guild_access(call)
    access.require(permissions.BAN_MEMBERS)
    limit = min(int(call.query.get("limit", _PAGE_MAX)), _PAGE_MAX)
    found = sorted(access.guild.bans)
    if "after" in call.query:
        found = [item for item in found if item > snowflake("after", call.query["after"])]
    elif "before" in call.query:
        found = [item for item in found if item < snowflake("before", call.query["before"])]
        found = found[-limit:]
    return [_shown(call, access, item) for item in found[:limit]]


@route("GET", _BAN, limit=(5, 5.0))
async def get_ban(call: Call) -> Any:
    access = guild_access(call)
    access.require(permissions.BAN_MEMBERS)
    user_id = call.id("user_id")
    if user_id not in access.guild.bans:
        raise errors.unknown(10026)
    return _shown(call, access, user_id)


@route("PUT", _BAN, limit=(5, 1.0))
async def create_ban(call: Call) -> Any:
    """{delete_message_seconds: 0 to 604800}. Banning again changes nothing."""
    access = guild_access(call)
    access.require(permissions.BAN_MEMBERS)
    user = call.sandbox.world.get_user(call.id("user_id"))
    form = call.form()
    seconds = _delete_seconds(form)
    _require_bannable(access, user.id)
    if user.id not in access.guild.bans:
        _ban(call, access, user.id)
    _delete_recent(call, access, user.id, seconds)


@route("DELETE", _BAN, limit=(5, 1.0))
async def remove_ban(call: Call) -> Any:
    access = guild_access(call)
    access.require(permissions.BAN_MEMBERS)
    user_id = call.id("user_id")
    if user_id not in access.guild.bans:
        raise errors.unknown(10026)
    actions.unban(call.sandbox, access.guild, user_id)
    call.sandbox.audit.record(
        access.guild, audit.BAN_REMOVE, by=call.bot.id, target=user_id, reason=call.reason
    )


@route("POST", "/guilds/{guild_id}/bulk-ban", limit=(5, 5.0))
async def bulk_ban(call: Call) -> Any:
    """{user_ids: at most 200, delete_message_seconds}; needs Manage Guild as well."""
    access = guild_access(call)
    access.require(permissions.BAN_MEMBERS | permissions.MANAGE_GUILD)
    form = call.form()
    check = FormCheck()
    given = check.items("user_ids", form.get("user_ids"), minimum=1, maximum=_BULK_MAX)
    check.done()
    seconds = _delete_seconds(form)
    banned: list[str] = []
    failed: list[str] = []
    for user_id in (snowflake("user_ids", item) for item in given):
        member = access.guild.members.get(user_id)
        out_of_reach = member is not None and not permissions.is_above(access.guild, access.me, member)
        if user_id not in call.sandbox.world.users or user_id in access.guild.bans or out_of_reach:
            failed.append(str(user_id))
            continue
        _ban(call, access, user_id)
        _delete_recent(call, access, user_id, seconds)
        banned.append(str(user_id))
    if not banned:
        raise errors.DiscordError(400, 500000, message="Failed to ban users")
    return {"banned_users": banned, "failed_users": failed}


def _ban(call: Call, access: GuildAccess, user_id: int) -> None:
    actions.ban(call.sandbox, access.guild, user_id, reason=call.reason, by=call.bot.id)
    call.sandbox.audit.record(access.guild, audit.BAN_ADD, by=call.bot.id, target=user_id, reason=call.reason)


def _shown(call: Call, access: GuildAccess, user_id: int) -> Json:
    return {
        "user": user_payload(call.sandbox.world.users[user_id]),
        "reason": access.guild.bans[user_id],
    }


def _delete_seconds(form: Json) -> int:
    """`delete_message_days` still works and means the same."""
    seconds = form.get("delete_message_seconds")
    if seconds is None and isinstance(days := form.get("delete_message_days"), int):
        seconds = days * 86_400
    check = FormCheck()
    check.number("delete_message_seconds", seconds, minimum=0, maximum=_WEEK)
    check.done()
    return seconds or 0


def _require_bannable(access: GuildAccess, user_id: int) -> None:
    if user_id == access.guild.owner_id:
        raise errors.missing_permissions()
    if member := access.guild.members.get(user_id):
        access.require_above(member)


def _delete_recent(call: Call, access: GuildAccess, user_id: int, seconds: int) -> None:
    since = time.time() - seconds
    if not seconds:
        return
    for channel in call.sandbox.world.channels_of(access.guild):
        recent = [
            item.id
            for item in channel.messages.values()
            if item.author_id == user_id and timestamp_of(item.id) >= since
        ]
        message_actions.delete_messages(call.sandbox, channel, recent, by=call.bot.id)
