"""Send an interaction to the bot and wait for what the person gets to see."""

import asyncio
from typing import Any, Final

import orjson

from astero_sandbox.discord.models import Json, Message
from astero_sandbox.discord.payloads.messages import message as message_payload
from astero_sandbox.discord.sandbox import Sandbox

from .envelope import envelope
from .registry import ANSWER_SECONDS, Callback, Interaction

FOLLOW_SECONDS: Final = 15.0
# After a silent acknowledgement of a component there may be nothing more to come.
_SILENT_SECONDS: Final = 3.0


async def invoke(sandbox: Sandbox, interaction: Interaction, data: Json, source: Message | None) -> Json:
    """{timeout: true} after three seconds without an answer; a deferred one is followed."""
    sandbox.interactions.add(interaction)
    event = orjson.dumps(envelope(sandbox, interaction, data, source))
    for session in sandbox.hub.sessions_of(interaction.application_id):
        session.dispatch("INTERACTION_CREATE", event)
    if not await _happens(interaction.acknowledged, ANSWER_SECONDS):
        return {"interactionId": str(interaction.id), "timeout": True}
    deferred = interaction.callback in (Callback.DEFERRED_MESSAGE, Callback.DEFERRED_UPDATE)
    finished = True
    if deferred:
        silent = interaction.callback == Callback.DEFERRED_UPDATE
        finished = await _happens(interaction.completed, _SILENT_SECONDS if silent else FOLLOW_SECONDS)
    return _seen(sandbox, interaction) | {"deferred": deferred, "pending": not finished}


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _seen(sandbox: Sandbox, interaction: Interaction) -> dict[str, Any]:
    """`message` is the answer, or the message the component belongs to where that was changed."""
    messages = sandbox.world.channels[interaction.channel_id].messages
    shown_id = interaction.response_id
    if shown_id is None and interaction.callback in (Callback.UPDATE, Callback.DEFERRED_UPDATE):
        shown_id = interaction.source_message_id
    shown = None if shown_id is None else messages.get(shown_id)
    followups = [messages[item] for item in interaction.followup_ids if item in messages]
    if shown is None and followups:
        shown = followups[0]
    return {
        "interactionId": str(interaction.id),
        "type": None if interaction.callback is None else int(interaction.callback),
        "ephemeral": shown is not None and shown.visible_to is not None,
        "message": None if shown is None else message_payload(sandbox.world, shown),
        "followups": [message_payload(sandbox.world, item) for item in followups],
        "modal": interaction.modal,
        "choices": interaction.choices,
    }
