"""Application commands, global and per guild: list, create or replace by name, edit, delete, overwrite."""

from typing import Any, Final

from astero_sandbox.discord import errors
from astero_sandbox.discord.models import Application, Command, Json

from .command_form import checked_command
from .routing import Call, Reply, route

_GLOBAL = "/applications/{application_id}/commands"
_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"
_MAX: Final = {1: 100, 2: 15, 3: 15, 4: 1}
_WRITE: Final = (5, 20.0)


@route("GET", _GLOBAL)
@route("GET", _GUILD)
async def list_commands(call: Call) -> Any:
    app, guild_id = _target(call)
    return [_shown(app, item) for item in _commands(app, guild_id)]


@route("POST", _GLOBAL, limit=_WRITE)
@route("POST", _GUILD, limit=_WRITE)
async def create_command(call: Call) -> Any:
    """201 for a new one, 200 where one of the same name and kind is replaced."""
    app, guild_id = _target(call)
    body = checked_command(call.form(), "")
    known = _same(app, guild_id, body)
    if known is None:
        _require_room(app, guild_id, body)
    command = _put(call, app, guild_id, body, known)
    return Reply(201 if known is None else 200, _shown(app, command))


@route("PUT", _GLOBAL, limit=_WRITE)
@route("PUT", _GUILD, limit=_WRITE)
async def overwrite_commands(call: Call) -> Any:
    """The whole set: what is not named is deleted; ids of what stays are kept."""
    app, guild_id = _target(call)
    given = call.body
    if not isinstance(given, list):
        raise errors.invalid_form(
            errors.field_error("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        )
    bodies = [checked_command(item, f"{index}.") for index, item in enumerate(given)]
    _require_distinct(bodies)
    for kind, most in _MAX.items():
        if sum(body["type"] == kind for body in bodies) > most:
            raise errors.DiscordError(400, 30032)
    kept = [_put(call, app, guild_id, body, _same(app, guild_id, body)) for body in bodies]
    ids = {command.id for command in kept}
    for command in _commands(app, guild_id):
        if command.id not in ids:
            del app.commands[command.id]
    call.sandbox.world.dirty = True
    return [_shown(app, command) for command in kept]


@route("GET", _GLOBAL + "/{command_id}")
@route("GET", _GUILD + "/{command_id}")
async def get_command(call: Call) -> Any:
    app, guild_id = _target(call)
    return _shown(app, _command(call, app, guild_id))


@route("PATCH", _GLOBAL + "/{command_id}", limit=_WRITE)
@route("PATCH", _GUILD + "/{command_id}", limit=_WRITE)
async def edit_command(call: Call) -> Any:
    app, guild_id = _target(call)
    command = _command(call, app, guild_id)
    body = checked_command(command.body | call.form(), "")
    return _shown(app, _put(call, app, guild_id, body, command))


@route("DELETE", _GLOBAL + "/{command_id}", limit=_WRITE)
@route("DELETE", _GUILD + "/{command_id}", limit=_WRITE)
async def delete_command(call: Call) -> Any:
    app, guild_id = _target(call)
    del app.commands[_command(call, app, guild_id).id]
    call.sandbox.world.dirty = True


def _target(call: Call) -> tuple[Application, int | None]:
    """20012 for another application; 50001 for a guild the bot is not in."""
    if call.id("application_id") != call.bot.id:
        raise errors.DiscordError(403, 20012)
    if "guild_id" not in call.path:
        return call.bot, None
    guild = call.sandbox.world.guilds.get(call.id("guild_id"))
    if guild is None or call.bot.id not in guild.members:
        raise errors.missing_access()
    return call.bot, guild.id


def _commands(app: Application, guild_id: int | None) -> list[Command]:
    return [item for item in app.commands.values() if item.guild_id == guild_id]


def _command(call: Call, app: Application, guild_id: int | None) -> Command:
    command = call.sandbox.world.get_command(app, call.id("command_id"))
    if command.guild_id != guild_id:
        raise errors.unknown(10063)
    return command


def _same(app: Application, guild_id: int | None, body: Json) -> Command | None:
    for command in _commands(app, guild_id):
        if command.body["name"] == body["name"] and command.body["type"] == body["type"]:
            return command
    return None


def _require_room(app: Application, guild_id: int | None, body: Json) -> None:
    there = [item for item in _commands(app, guild_id) if item.body["type"] == body["type"]]
    if len(there) >= _MAX[body["type"]]:
        raise errors.DiscordError(400, 30032)


def _require_distinct(bodies: list[Json]) -> None:
    seen: set[tuple[Any, Any]] = set()
    for index, body in enumerate(bodies):
        key = (body["type"], body["name"])
        if key in seen:
            raise errors.invalid_form(
                {
                    str(index): {
                        "name": errors.field_error(
                            "APPLICATION_COMMANDS_DUPLICATE_NAME",
                            "Application command names must be unique",
                        )
                    }
                }
            )
        seen.add(key)


def _put(call: Call, app: Application, guild_id: int | None, body: Json, known: Command | None) -> Command:
    """`version` moves on only when something changed."""
    ids = call.sandbox.world.ids
    call.sandbox.world.dirty = True
    if known is None:
        command_id = ids.next_id()
        known = Command(id=command_id, guild_id=guild_id, version=command_id, body=body)
        app.commands[command_id] = known
    elif known.body != body:
        known.body = body
        known.version = ids.next_id()
    return known


def _shown(app: Application, command: Command) -> Json:
    body = command.body | {
        "id": str(command.id),
        "application_id": str(app.id),
        "version": str(command.version),
    }
    if command.guild_id is not None:
        body["guild_id"] = str(command.guild_id)
        for name in ("contexts", "integration_types", "dm_permission"):
            body.pop(name, None)
    return body
