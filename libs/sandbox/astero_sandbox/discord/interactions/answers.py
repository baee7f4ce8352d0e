"""The messages an interaction brings forth: the response, the deferred one filled in, the follow-ups."""

from typing import Any, Final

from astero_sandbox.discord.actions import messages as actions
from astero_sandbox.discord.models import Json, Message
from astero_sandbox.discord.payloads.messages import EPHEMERAL, LOADING
from astero_sandbox.discord.payloads.people import user
from astero_sandbox.discord.sandbox import Sandbox

from .registry import Interaction, Kind

_REPLY: Final = 19
_COMMAND_ANSWER: Final = 20


def respond(
    sandbox: Sandbox,
    interaction: Interaction,
    changes: dict[str, Any],
    *,
    tts: bool = False,
    allowed: Json | None = None,
) -> Message:
    """The first message of an interaction; ephemeral where the answer said so."""
    record = _new_message(sandbox, interaction, changes, ephemeral=interaction.ephemeral, tts=tts)
    record.type = _COMMAND_ANSWER if interaction.kind == Kind.COMMAND else 0
    actions.post_message(sandbox, record, allowed=allowed)
    interaction.response_id = record.id
    return record


def follow_up(
    sandbox: Sandbox,
    interaction: Interaction,
    changes: dict[str, Any],
    *,
    ephemeral: bool,
    tts: bool = False,
    allowed: Json | None = None,
) -> Message:
    """The first one after a deferred answer takes its place, and its visibility."""
    pending = original(sandbox, interaction)
    if pending is not None and pending.flags & LOADING:
        return edit(sandbox, interaction, pending, changes, allowed=allowed)
    record = _new_message(sandbox, interaction, changes, ephemeral=ephemeral, tts=tts)
    if pending is not None:
        record.type = _REPLY
        channel = sandbox.world.channels[interaction.channel_id]
        record.reference = actions.reference_to(channel, pending.id)
    actions.post_message(sandbox, record, allowed=allowed)
    interaction.followup_ids.append(record.id)
    interaction.completed.set()
    return record


def edit(
    sandbox: Sandbox,
    interaction: Interaction,
    record: Message,
    changes: dict[str, Any],
    *,
    allowed: Json | None = None,
) -> Message:
    """Visibility never changes; the loading mark goes with the first content."""
    was_loading = bool(record.flags & LOADING)
    kept = record.flags & EPHEMERAL
    changes["flags"] = changes.get("flags", record.flags) & ~(LOADING | EPHEMERAL) | kept
    actions.edit_message(sandbox, record, changes, allowed=allowed)
    if was_loading:
        record.edited_at = None
    interaction.completed.set()
    return record


def original(sandbox: Sandbox, interaction: Interaction) -> Message | None:
    """`@original`: the response, or the message whose component was used when that is being updated."""
    channel = sandbox.world.channels[interaction.channel_id]
    if interaction.response_id is not None:
        return channel.messages.get(interaction.response_id)
    return channel.messages.get(interaction.source_message_id or 0)


def _new_message(
    sandbox: Sandbox,
    interaction: Interaction,
    changes: dict[str, Any],
    *,
    ephemeral: bool,
    tts: bool,
) -> Message:
    record = Message(
        id=sandbox.world.ids.next_id(),
        channel_id=interaction.channel_id,
        author_id=interaction.application_id,
        application_id=interaction.application_id,
        interaction=_metadata(sandbox, interaction),
        visible_to=interaction.user_id if ephemeral else None,
        tts=tts,
        **changes,
    )
    if ephemeral:
        record.flags |= EPHEMERAL
    return record


def _metadata(sandbox: Sandbox, interaction: Interaction) -> Json:
    body: Json = {
        "id": str(interaction.id),
        "type": int(interaction.kind),
        "user": user(sandbox.world.users[interaction.user_id]),
        "authorizing_integration_owners": {"0": str(interaction.guild_id or 0)},
    }
    if interaction.kind == Kind.COMPONENT:
        body["interacted_message_id"] = str(interaction.source_message_id)
    if interaction.opened_by is not None:
        body["triggering_interaction_metadata"] = _metadata(sandbox, interaction.opened_by)
    return body
