"""Roles: read, make, change, delete; only below one's own and with permissions one holds."""

from typing import Any

from astero_sandbox.discord import errors, permissions
from astero_sandbox.discord.actions import audit
from astero_sandbox.discord.actions import guilds as actions
from astero_sandbox.discord.models import Json, Role
from astero_sandbox.discord.payloads.guilds import role as role_payload

from .access import GuildAccess, guild_access
from .forms import FormCheck
from .routing import Call, route

_ROLE = "/guilds/{guild_id}/roles/{role_id}"
_COLOR_MAX = 0xFFFFFF


@route("GET", "/guilds/{guild_id}/roles", limit=(10, 10.0))
async def list_roles(call: Call) -> Any:
    return [role_payload(item) for item in guild_access(call).guild.roles.values()]


@route("GET", _ROLE, limit=(10, 10.0))
async def get_role(call: Call) -> Any:
    access = guild_access(call)
    return role_payload(call.sandbox.world.get_role(access.guild, call.id("role_id")))


@route("POST", "/guilds/{guild_id}/roles", limit=(10, 10.0))
async def create_role(call: Call) -> Any:
    """A new role stands at the bottom, just above @everyone."""
    access = guild_access(call)
    access.require(permissions.MANAGE_ROLES)
    form = call.form()
    bits = _checked(access, form)
    role = actions.add_role(
        call.sandbox,
        access.guild,
        name=form.get("name") or "new role",
        bits=access.guild.roles[access.guild.id].permissions if bits is None else bits,
        color=form.get("color") or 0,
        position=1,
    )
    _apply(role, form)
    _audit(call, access, audit.ROLE_CREATE, role.id)
    return role_payload(role)


@route("PATCH", _ROLE, limit=(10, 10.0))
async def edit_role(call: Call) -> Any:
    access, role = _below(call)
    form = call.form()
    bits = _checked(access, form)
    if bits is not None:
        role.permissions = bits
    _apply(role, form)
    actions.update_role(call.sandbox, access.guild, role)
    _audit(call, access, audit.ROLE_UPDATE, role.id)
    return role_payload(role)


@route("DELETE", _ROLE, limit=(10, 10.0))
async def delete_role(call: Call) -> Any:
    access, role = _below(call)
    if role.id == access.guild.id or role.bot_id is not None:
        raise errors.DiscordError(400, 50028)
    actions.remove_role(call.sandbox, access.guild, role)
    _audit(call, access, audit.ROLE_DELETE, role.id)


def _below(call: Call) -> tuple[GuildAccess, Role]:
    access = guild_access(call)
    access.require(permissions.MANAGE_ROLES)
    role = call.sandbox.world.get_role(access.guild, call.id("role_id"))
    if not permissions.is_role_below(access.guild, access.me, role):
        raise errors.missing_permissions()
    return access, role


def _checked(access: GuildAccess, form: Json) -> int | None:
    """Nobody can give away a permission they do not have."""
    check = FormCheck()
    check.string("name", form.get("name"), max_length=100)
    check.number("color", form.get("color"), minimum=0, maximum=_COLOR_MAX)
    given = form.get("permissions")
    check.permission_bits("permissions", given)
    check.done()
    if given is None:
        return None
    if int(given) & ~permissions.in_guild(access.guild, access.me):
        raise errors.missing_permissions()
    return int(given)


def _apply(role: Role, form: Json) -> None:
    for name in ("name", "color", "hoist", "mentionable"):
        if form.get(name) is not None:
            setattr(role, name, form[name])


def _audit(call: Call, access: GuildAccess, kind: int, role_id: int) -> None:
    call.sandbox.audit.record(access.guild, kind, by=call.bot.id, target=role_id, reason=call.reason)
