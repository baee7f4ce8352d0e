"""Follow-ups of an interaction: /webhooks/{application}/{token}, for fifteen minutes."""

from typing import Any

from astero_sandbox.discord import errors
from astero_sandbox.discord.actions import messages as actions
from astero_sandbox.discord.interactions import answers
from astero_sandbox.discord.interactions.registry import Interaction
from astero_sandbox.discord.models import Message
from astero_sandbox.discord.payloads.messages import EPHEMERAL
from astero_sandbox.discord.payloads.messages import message as message_payload

from .message_form import read_message_form
from .routing import Call, route

_BASE = "/webhooks/{webhook_id}/{token}"
_LIMIT = (5, 2.0)


@route("POST", _BASE, limit=_LIMIT, auth="token", is_global=False)
async def create_followup(call: Call) -> Any:
    interaction = _interaction(call)
    form = read_message_form(call)
    form.require_something()
    record = answers.follow_up(
        call.sandbox,
        interaction,
        form.changes(call.sandbox.world.ids),
        ephemeral=bool(form.flags & EPHEMERAL),
        tts=form.tts,
        allowed=form.allowed_mentions,
    )
    return message_payload(call.sandbox.world, record)


@route("GET", _BASE + "/messages/{message_id}", limit=_LIMIT, auth="token", is_global=False)
async def get_followup(call: Call) -> Any:
    return message_payload(call.sandbox.world, _message(call, _interaction(call)))


@route("PATCH", _BASE + "/messages/{message_id}", limit=_LIMIT, auth="token", is_global=False)
async def edit_followup(call: Call) -> Any:
    interaction = _interaction(call)
    record = _message(call, interaction)
    form = read_message_form(call)
    changes = form.changes(call.sandbox.world.ids)
    answers.edit(call.sandbox, interaction, record, changes, allowed=form.allowed_mentions)
    return message_payload(call.sandbox.world, record)


@route("DELETE", _BASE + "/messages/{message_id}", limit=_LIMIT, auth="token", is_global=False)
async def delete_followup(call: Call) -> Any:
    interaction = _interaction(call)
    record = _message(call, interaction)
    actions.delete_message(call.sandbox, record, by=interaction.application_id)
    interaction.completed.set()


def _interaction(call: Call) -> Interaction:
    """10015 for a token nobody knows or that was never answered, 50027 once it has run out."""
    interaction = call.sandbox.interactions.find(call.path["token"])
    if interaction is None or interaction.application_id != call.id("webhook_id"):
        raise errors.unknown(10015)
    if interaction.has_expired():
        raise errors.DiscordError(401, 50027)
    if interaction.callback is None:
        raise errors.unknown(10015)
    return interaction


def _message(call: Call, interaction: Interaction) -> Message:
    if call.path["message_id"] == "@original":
        record = answers.original(call.sandbox, interaction)
    else:
        message_id = call.id("message_id")
        belongs = message_id in (*interaction.followup_ids, interaction.response_id)
        channel = call.sandbox.world.channels[interaction.channel_id]
        record = channel.messages.get(message_id) if belongs else None
    if record is None:
        raise errors.unknown(10008)
    return record
