"""Members: read them, change nick, roles and timeout, kick. Hierarchy and permissions as Discord's."""

import time
from datetime import UTC, datetime
from typing import Any, Final

from astero_sandbox.discord import errors, permissions
from astero_sandbox.discord.actions import audit
from astero_sandbox.discord.actions import members as actions
from astero_sandbox.discord.models import GUILD_MEMBERS_LIMITED, Json, Member
from astero_sandbox.discord.payloads.people import member as member_payload
from astero_sandbox.discord.snowflakes import iso

from .access import GuildAccess, guild_access
from .forms import FormCheck
from .routing import Call, route, snowflake

_MEMBER = "/guilds/{guild_id}/members/{user_id}"
_PAGE_MAX: Final = 1000
_TIMEOUT_MAX: Final = 28 * 86_400
# Discord lets the 28 days be exceeded by the time a request takes.
_TIMEOUT_SLACK: Final = 60.0
_NICK_MAX: Final = 32


@route("GET", "/guilds/{guild_id}/members", limit=(10, 10.0))
async def list_members(call: Call) -> Any:
    """By id; `limit` 1 to 1000, `after`. Needs the members intent to be switched on, as Discord."""
    access = guild_access(call)
    if not call.bot.flags & (GUILD_MEMBERS_LIMITED | GUILD_MEMBERS_LIMITED >> 1):
        raise errors.missing_access()
    limit = _page_size(call)
    after = snowflake("after", call.query.get("after", 0))
    found = sorted(item for item in access.guild.members if item > after)[:limit]
    return [_shown(call, access.guild.members[item]) for item in found]


@route("GET", _MEMBER, limit=(5, 2.0))
async def get_member(call: Call) -> Any:
    access = guild_access(call)
    return _shown(call, call.sandbox.world.get_member(access.guild, call.id("user_id")))


@route("PATCH", "/guilds/{guild_id}/members/@me", limit=(10, 10.0))
async def edit_own_member(call: Call) -> Any:
    access = guild_access(call)
    form = call.form()
    if "nick" in form:
        access.require(permissions.CHANGE_NICKNAME)
        actions.update_member(call.sandbox, access.guild, access.me, nick=_checked_nick(form))
    return _shown(call, access.me)


@route("PATCH", _MEMBER, limit=(10, 10.0))
async def edit_member(call: Call) -> Any:
    """{nick, roles, communication_disabled_until}: each needs its own permission, all the hierarchy."""
    access = guild_access(call)
    member = call.sandbox.world.get_member(access.guild, call.id("user_id"))
    form = call.form()
    changes: dict[str, Any] = {}
    if "nick" in form:
        access.require(permissions.MANAGE_NICKNAMES)
        _require_above(access, member)
        changes["nick"] = _checked_nick(form)
    if "communication_disabled_until" in form:
        changes["timeout_until"] = _checked_timeout(access, member, form)
    if "roles" in form:
        changes["roles"] = _checked_roles(access, member, form)
    before = _shown(call, member)
    actions.update_member(call.sandbox, access.guild, member, **changes)
    _write_audit(call, access, member, before)
    return _shown(call, member)


@route("PUT", _MEMBER + "/roles/{role_id}", limit=(10, 10.0))
async def add_role(call: Call) -> Any:
    access, member, role_id = _one_role(call)
    if role_id not in member.roles:
        _set_roles(call, access, member, [*member.roles, role_id])


@route("DELETE", _MEMBER + "/roles/{role_id}", limit=(10, 10.0))
async def remove_role(call: Call) -> Any:
    access, member, role_id = _one_role(call)
    if role_id in member.roles:
        _set_roles(call, access, member, [item for item in member.roles if item != role_id])


@route("DELETE", _MEMBER, limit=(5, 1.0))
async def kick_member(call: Call) -> Any:
    access = guild_access(call)
    access.require(permissions.KICK_MEMBERS)
    member = call.sandbox.world.get_member(access.guild, call.id("user_id"))
    access.require_above(member)
    actions.leave(call.sandbox, access.guild, member.user_id, by=call.bot.id, how="kick")
    call.sandbox.audit.record(
        access.guild, audit.KICK, by=call.bot.id, target=member.user_id, reason=call.reason
    )


def _shown(call: Call, member: Member) -> Json:
    return member_payload(member, call.sandbox.world.users[member.user_id])


def _page_size(call: Call) -> int:
    text = call.query.get("limit", "1")
    check = FormCheck()
    check.number("limit", int(text) if text.isdigit() else text, minimum=1, maximum=_PAGE_MAX)
    check.done()
    return int(text)


def _require_above(access: GuildAccess, member: Member) -> None:
    """A bot may always act on itself."""
    if member.user_id != access.me.user_id:
        access.require_above(member)


def _checked_nick(form: Json) -> str | None:
    check = FormCheck()
    check.string("nick", form["nick"], max_length=_NICK_MAX)
    check.done()
    return form["nick"] or None


def _checked_timeout(access: GuildAccess, member: Member, form: Json) -> float | None:
    """Nobody with Administrator, nor the owner, can be timed out; 28 days at most."""
    access.require(permissions.MODERATE_MEMBERS)
    if permissions.in_guild(access.guild, member) & permissions.ADMINISTRATOR:
        raise errors.missing_permissions()
    access.require_above(member)
    value = form["communication_disabled_until"]
    if value is None:
        return None
    check = FormCheck()
    until = 0.0
    try:
        parsed = datetime.fromisoformat(str(value))
        until = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        check.fail(
            "communication_disabled_until",
            "DATE_TIME_TYPE_PARSE",
            f"Could not parse {value}. Should be ISO8601.",
        )
    if until > time.time() + _TIMEOUT_MAX + _TIMEOUT_SLACK:
        latest = iso(time.time() + _TIMEOUT_MAX)
        check.fail(
            "communication_disabled_until",
            "DATE_TIME_TYPE_MAX",
            f"Value must be less than or equal to {latest}.",
        )
    check.done()
    return until


def _checked_roles(access: GuildAccess, member: Member, form: Json) -> list[int]:
    """Only roles below one's own may change hands; managed ones never."""
    access.require(permissions.MANAGE_ROLES)
    check = FormCheck()
    wanted = [snowflake("roles", item) for item in check.items("roles", form["roles"], maximum=250)]
    check.done()
    for role_id in {*wanted} ^ {*member.roles}:
        _require_role_below(access, role_id)
    return list(dict.fromkeys(wanted))


def _require_role_below(access: GuildAccess, role_id: int) -> None:
    role = access.guild.roles.get(role_id)
    if role is None:
        raise errors.unknown(10011)
    if role.id == access.guild.id or role.bot_id is not None:
        raise errors.DiscordError(400, 50028)
    if not permissions.is_role_below(access.guild, access.me, role):
        raise errors.missing_permissions()


def _one_role(call: Call) -> tuple[GuildAccess, Member, int]:
    access = guild_access(call)
    access.require(permissions.MANAGE_ROLES)
    member = call.sandbox.world.get_member(access.guild, call.id("user_id"))
    role_id = call.id("role_id")
    _require_role_below(access, role_id)
    return access, member, role_id


def _set_roles(call: Call, access: GuildAccess, member: Member, roles: list[int]) -> None:
    before = _shown(call, member)
    actions.update_member(call.sandbox, access.guild, member, roles=roles)
    _write_audit(call, access, member, before)


def _write_audit(call: Call, access: GuildAccess, member: Member, before: Json) -> None:
    """Roles have an entry kind of their own; nick and timeout share another."""
    after = _shown(call, member)
    changes = [
        audit.change(key, before[key], after[key])
        for key in ("nick", "communication_disabled_until")
        if before[key] != after[key]
    ]
    if changes:
        call.sandbox.audit.record(
            access.guild,
            audit.MEMBER_UPDATE,
            by=call.bot.id,
            target=member.user_id,
            reason=call.reason,
            changes=changes,
        )
    names = access.guild.roles
    added = [item for item in after["roles"] if item not in before["roles"]]
    removed = [item for item in before["roles"] if item not in after["roles"]]
    role_changes = [
        {"key": key, "new_value": [{"id": item, "name": names[int(item)].name} for item in items]}
        for key, items in (("$add", added), ("$remove", removed))
        if items
    ]
    if role_changes:
        call.sandbox.audit.record(
            access.guild,
            audit.MEMBER_ROLE_UPDATE,
            by=call.bot.id,
            target=member.user_id,
            reason=call.reason,
            changes=role_changes,
        )
