"""Which commands a person finds in a server, written out so that a picker needs no knowledge of nesting."""

from collections.abc import Iterator
from typing import Any

from astero_sandbox.discord.interactions.commands import SUB_COMMAND, SUB_COMMAND_GROUP
from astero_sandbox.discord.interactions.gate import may_use_command
from astero_sandbox.discord.models import Json

from .routing import Command, as_id, control


@control("GET", "/guilds/{guild_id}/commands")
async def list_commands(command: Command) -> Any:
    """{commands: [{applicationId, application, name, type, description, options, allowed}]}.

    `name` is the whole path; with `userId` only what that person is offered is `allowed`.
    """
    guild = command.path_guild()
    user_id = command.query.get("userId")
    member = None if user_id is None else command.member(guild, as_id("userId", user_id))
    world = command.sandbox.world
    found: list[Json] = []
    for application_id in sorted(world.bots_in(guild.id)):
        app = world.applications[application_id]
        for item in app.commands.values():
            if item.guild_id not in (None, guild.id):
                continue
            allowed = member is None or may_use_command(guild, member, item.body)
            for path, description, options in _leaves(item.body):
                found.append(
                    {
                        "applicationId": str(app.id),
                        "application": app.name,
                        "name": path,
                        "type": item.body["type"],
                        "description": description,
                        "options": options,
                        "allowed": allowed,
                    }
                )
    return {"commands": found}


def _leaves(body: Json, prefix: str = "") -> Iterator[tuple[str, str, list[Json]]]:
    path = f"{prefix} {body['name']}".strip()
    options = body.get("options") or []
    nested = [item for item in options if item["type"] in (SUB_COMMAND, SUB_COMMAND_GROUP)]
    if not nested:
        yield path, body.get("description") or "", options
    for item in nested:
        yield from _leaves(item, path)
