"""People write, edit and delete; and one can read what a channel shows now."""

import asyncio
import time
from typing import Any

from astero_sandbox.discord import permissions
from astero_sandbox.discord.actions import messages as actions
from astero_sandbox.discord.errors import ControlError
from astero_sandbox.discord.models import DM_CHANNEL, Channel, Message, User
from astero_sandbox.discord.payloads.messages import message as message_payload

from .routing import Command, control

_CONTENT_MAX = 2000
_FLOOD_MAX = 1_000_000
# Frames a reader may be behind before a flood waits for it.
_FLOOD_BACKLOG = 2000


@control("POST", "/channels/{channel_id}/messages")
async def write_message(command: Command) -> Any:
    """{userId, content, replyTo?}: the message as the gateway shows it."""
    channel = command.path_channel()
    author = _author(command, channel)
    content = command.text("content")
    _require_length(content)
    reply_to = command.optional_id("replyTo")
    record = _new_message(command, channel, author, content, reply_to=reply_to)
    return message_payload(command.sandbox.world, record)


@control("GET", "/channels/{channel_id}/messages")
async def read_messages(command: Command) -> Any:
    """{messages}, oldest first. With `userId` ephemeral messages of that person as well."""
    channel = command.path_channel()
    reader = command.query.get("userId")
    return {
        "messages": [
            shown_message(command, record)
            for record in channel.messages.values()
            if record.visible_to is None or str(record.visible_to) == reader
        ]
    }


@control("PUT", "/channels/{channel_id}/messages/{message_id}")
async def edit_message(command: Command) -> Any:
    """{content}: the author edits; bots hear MESSAGE_UPDATE with edited_timestamp."""
    channel = command.path_channel()
    record = command.path_message(channel)
    content = command.text("content")
    _require_length(content)
    actions.edit_message(command.sandbox, record, {"content": content})
    return message_payload(command.sandbox.world, record)


@control("DELETE", "/channels/{channel_id}/messages/{message_id}")
async def delete_message(command: Command) -> Any:
    channel = command.path_channel()
    record = command.path_message(channel)
    actions.delete_message(command.sandbox, record, by=record.author_id)


@control("POST", "/channels/{channel_id}/flood")
async def flood(command: Command) -> Any:
    """{userId, content | contents, count, perSecond?}: many messages, as fast as bots read them."""
    channel = command.path_channel()
    author = _author(command, channel)
    contents = command.body.get("contents") or [command.text("content")]
    count = command.body.get("count", len(contents))
    if not isinstance(count, int) or not 1 <= count <= _FLOOD_MAX:
        raise ControlError(400, "bad_count", f"count must be between 1 and {_FLOOD_MAX}.")
    per_second = float(command.body.get("perSecond") or 0)
    started = time.monotonic()
    first = last = 0
    for number in range(count):
        text = str(contents[number % len(contents)])
        last = _new_message(command, channel, author, text).id
        first = first or last
        if per_second:
            await asyncio.sleep(max(0.0, started + (number + 1) / per_second - time.monotonic()))
        elif number % 100 == 0:
            await _let_readers_catch_up(command)
    return {
        "count": count,
        "firstId": str(first),
        "lastId": str(last),
        "seconds": round(time.monotonic() - started, 6),
    }


@control("GET", "/users/{user_id}/messages")
async def read_direct_messages(command: Command) -> Any:
    """{messages}: every direct message this person got or wrote, oldest first."""
    user = command.path_user()
    found = [
        record
        for channel in command.sandbox.world.channels.values()
        if channel.type == DM_CHANNEL and user.id in channel.recipients
        for record in channel.messages.values()
    ]
    found.sort(key=lambda record: record.id)
    return {"messages": [shown_message(command, record) for record in found]}


async def _let_readers_catch_up(command: Command) -> None:
    await asyncio.sleep(0)
    for connection in list(command.sandbox.hub.connections):
        await connection.catch_up(_FLOOD_BACKLOG)


def _new_message(
    command: Command, channel: Channel, author: User, content: str, *, reply_to: int | None = None
) -> Message:
    record = Message(
        id=command.sandbox.world.ids.next_id(),
        channel_id=channel.id,
        author_id=author.id,
        content=content,
    )
    if reply_to is not None:
        if reply_to not in channel.messages:
            raise ControlError(404, "unknown_message", f"There is no message {reply_to} here.")
        record.type = 19
        record.reference = actions.reference_to(channel, reply_to)
    return actions.post_message(command.sandbox, record)


def shown_message(command: Command, record: Message) -> dict[str, Any]:
    shown = message_payload(command.sandbox.world, record)
    if record.visible_to is not None:
        shown["visibleTo"] = str(record.visible_to)
    return shown


def _author(command: Command, channel: Channel) -> User:
    """Refuses what Discord's own client would not let this person do."""
    user = command.user(command.id_of("userId"))
    if channel.guild_id is None:
        if user.id not in channel.recipients:
            raise ControlError(403, "not_a_recipient", f"{user.username} is not part of this.")
        return user
    guild = command.sandbox.world.guilds[channel.guild_id]
    member = command.member(guild, user.id)
    if permissions.is_timed_out(member):
        raise ControlError(403, "timed_out", f"{user.username} is timed out and cannot write.")
    if not permissions.in_channel(guild, channel, member) & permissions.SEND_MESSAGES:
        raise ControlError(403, "missing_permissions", f"{user.username} may not write here.")
    return user


def _require_length(content: str) -> None:
    if len(content) > _CONTENT_MAX:
        raise ControlError(400, "too_long", f"A message has at most {_CONTENT_MAX} characters.")
