"""People use commands, buttons, selects and modals, and see what the bot makes of it."""

from typing import Any

from astero_sandbox.discord.errors import ControlError
from astero_sandbox.discord.interactions.commands import (
    CHAT_INPUT,
    USER_MENU,
    command_data,
    find_command,
)
from astero_sandbox.discord.interactions.components import component_data
from astero_sandbox.discord.interactions.gate import may_use_command
from astero_sandbox.discord.interactions.invoke import invoke
from astero_sandbox.discord.interactions.modals import modal_data
from astero_sandbox.discord.interactions.registry import Interaction, Kind
from astero_sandbox.discord.interactions.resolved import Resolver
from astero_sandbox.discord.models import Application, Channel, Guild, User

from .routing import Command, control

_REFUSED = {"refused": "missing_permissions"}


class Scene:
    """Who interacts with which application where; members both, or a 404 problem."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.sandbox = command.sandbox
        self.channel: Channel = command.path_channel()
        self.user: User = command.user(command.id_of("userId"))
        self.app: Application = command.application(command.id_of("applicationId"))
        self.guild: Guild | None = None
        if self.channel.guild_id is not None:
            self.guild = self.sandbox.world.guilds[self.channel.guild_id]
            command.member(self.guild, self.user.id)
            command.member(self.guild, self.app.id)

    def resolver(self) -> Resolver:
        return Resolver(self.sandbox, self.guild, self.user.id)

    def interaction(self, kind: Kind, *, source: int | None = None) -> Interaction:
        return Interaction(
            id=self.sandbox.world.ids.next_id(),
            kind=kind,
            application_id=self.app.id,
            user_id=self.user.id,
            channel_id=self.channel.id,
            guild_id=None if self.guild is None else self.guild.id,
            source_message_id=source,
        )


@control("POST", "/channels/{channel_id}/interactions")
async def interact(command: Command) -> Any:
    """{userId, applicationId} with one of
    {command, options?, targetId?, focused?}, {messageId, customId, values?},
    {modal: {customId, fields}}.

    Answers {interactionId, type, ephemeral, message, modal, choices, followups, deferred, pending},
    {timeout: true}, or {refused: "missing_permissions"} where the client would not offer it.
    """
    scene = Scene(command)
    if "command" in command.body:
        return await _use_command(scene)
    if "modal" in command.body:
        return await _submit_modal(scene)
    if "customId" in command.body:
        return await _use_component(scene)
    raise ControlError(400, "missing_field", "One of command, customId or modal is required.")


async def _use_command(scene: Scene) -> Any:
    guild_id = None if scene.guild is None else scene.guild.id
    command, path = find_command(scene.app, scene.command.text("command"), guild_id)
    if scene.guild is not None:
        member = scene.guild.members[scene.user.id]
        if not may_use_command(scene.guild, member, command.body, scene.channel):
            return _REFUSED
    focused = scene.command.body.get("focused")
    resolver = scene.resolver()
    if command.body["type"] == CHAT_INPUT:
        given = scene.command.body.get("options")
        data = command_data(command, path, given, resolver, focused=focused)
    else:
        data = _context_menu(scene, command.id, command.body, resolver)
    kind = Kind.COMMAND if focused is None else Kind.AUTOCOMPLETE
    return await invoke(scene.sandbox, scene.interaction(kind), data, None)


def _context_menu(scene: Scene, command_id: int, body: dict[str, Any], resolver: Resolver) -> dict[str, Any]:
    target = scene.command.id_of("targetId")
    if body["type"] == USER_MENU:
        resolver.user(target)
    else:
        resolver.message(scene.channel, target)
    return {
        "id": str(command_id),
        "name": body["name"],
        "type": body["type"],
        "target_id": str(target),
        "resolved": resolver.body,
    }


async def _use_component(scene: Scene) -> Any:
    message = scene.channel.messages.get(scene.command.id_of("messageId"))
    hidden = message is not None and message.visible_to not in (None, scene.user.id)
    if message is None or hidden:
        raise ControlError(404, "unknown_message", "That message is not there (for this person).")
    if message.author_id != scene.app.id:
        raise ControlError(400, "not_its_message", f"{scene.app.name} did not write that message.")
    values = scene.command.body.get("values")
    data = component_data(message, scene.command.text("customId"), values, scene.resolver())
    interaction = scene.interaction(Kind.COMPONENT, source=message.id)
    return await invoke(scene.sandbox, interaction, data, message)


async def _submit_modal(scene: Scene) -> Any:
    given = scene.command.body["modal"]
    if not isinstance(given, dict) or not isinstance(given.get("customId"), str):
        raise ControlError(400, "missing_field", "modal must be {customId, fields}.")
    opener = scene.sandbox.interactions.take_modal(
        user_id=scene.user.id, application_id=scene.app.id, custom_id=given["customId"]
    )
    if opener is None or opener.modal is None:
        raise ControlError(
            404, "no_such_modal", f"{scene.user.username} has no modal {given['customId']!r} open."
        )
    try:
        data = modal_data(opener.modal, given.get("fields") or {}, scene.resolver())
    except ControlError:
        scene.sandbox.interactions.open_modal(opener, opener.modal)
        raise
    source = scene.channel.messages.get(opener.source_message_id or 0)
    interaction = scene.interaction(Kind.MODAL_SUBMIT, source=None if source is None else source.id)
    interaction.opened_by = opener
    return await invoke(scene.sandbox, interaction, data, source)
