"""Post, edit and delete messages; what a text mentions is worked out here."""

import re
import time
from typing import Any

from astero_sandbox.discord import permissions
from astero_sandbox.discord.gateway import protocol
from astero_sandbox.discord.models import Channel, Json, Message
from astero_sandbox.discord.payloads.people import member as member_payload
from astero_sandbox.discord.sandbox import Sandbox

_USER = re.compile(r"<@!?(\d{1,20})>")
_ROLE = re.compile(r"<@&(\d{1,20})>")
_EVERYONE = re.compile(r"@(everyone|here)\b")


def post_message(sandbox: Sandbox, record: Message, *, allowed: Json | None = None) -> Message:
    """Keep the message and tell whoever may see it. `allowed` is Discord's allowed_mentions."""
    channel = sandbox.world.channels[record.channel_id]
    apply_mentions(sandbox, channel, record, allowed)
    sandbox.world.add_message(record)
    sandbox.broadcast.message("MESSAGE_CREATE", record, channel)
    return record


def edit_message(
    sandbox: Sandbox, record: Message, changes: dict[str, Any], *, allowed: Json | None = None
) -> Message:
    channel = sandbox.world.channels[record.channel_id]
    for name, value in changes.items():
        setattr(record, name, value)
    record.edited_at = time.time()
    apply_mentions(sandbox, channel, record, allowed)
    sandbox.world.dirty = True
    sandbox.broadcast.message("MESSAGE_UPDATE", record, channel)
    return record


def delete_message(sandbox: Sandbox, record: Message, *, by: int | None) -> None:
    """`by` is only told to the page."""
    channel = sandbox.world.channels[record.channel_id]
    del channel.messages[record.id]
    sandbox.world.dirty = True
    data: Json = {"id": str(record.id), "channel_id": str(channel.id)}
    if channel.guild_id is not None:
        data["guild_id"] = str(channel.guild_id)
    told = {"id": data["id"], "channel_id": data["channel_id"], "deleted_by": by and str(by)}
    sandbox.broadcast.observe("SANDBOX_MESSAGE_DELETE", channel.guild_id, told)
    if record.visible_to is None:
        sandbox.broadcast.to_channel(
            channel,
            "MESSAGE_DELETE",
            data,
            guild_intent=protocol.GUILD_MESSAGES,
            dm_intent=protocol.DIRECT_MESSAGES,
        )


def delete_messages(sandbox: Sandbox, channel: Channel, ids: list[int], *, by: int) -> None:
    """Bulk delete: ids that are gone already are passed over in silence, as Discord does."""
    gone = [message_id for message_id in ids if channel.messages.pop(message_id, None)]
    if not gone:
        return
    sandbox.world.dirty = True
    data: Json = {"ids": [str(item) for item in gone], "channel_id": str(channel.id)}
    if channel.guild_id is not None:
        data["guild_id"] = str(channel.guild_id)
    for item in data["ids"]:
        told = {"id": item, "channel_id": data["channel_id"], "deleted_by": str(by)}
        sandbox.broadcast.observe("SANDBOX_MESSAGE_DELETE", channel.guild_id, told)
    sandbox.broadcast.to_channel(
        channel, "MESSAGE_DELETE_BULK", data, guild_intent=protocol.GUILD_MESSAGES, dm_intent=0
    )


def start_typing(sandbox: Sandbox, channel: Channel, user_id: int) -> None:
    data: Json = {
        "channel_id": str(channel.id),
        "user_id": str(user_id),
        "timestamp": int(time.time()),
    }
    if channel.guild_id is not None:
        guild = sandbox.world.guilds[channel.guild_id]
        person = sandbox.world.users[user_id]
        data["guild_id"] = str(guild.id)
        data["member"] = member_payload(guild.members[user_id], person)
    sandbox.broadcast.to_channel(
        channel,
        "TYPING_START",
        data,
        guild_intent=protocol.GUILD_MESSAGE_TYPING,
        dm_intent=protocol.DIRECT_MESSAGE_TYPING,
    )


def reference_to(channel: Channel, message_id: int) -> Json:
    """`message_reference` of a reply."""
    reference: Json = {"type": 0, "channel_id": str(channel.id), "message_id": str(message_id)}
    if channel.guild_id is not None:
        reference["guild_id"] = str(channel.guild_id)
    return reference


def apply_mentions(sandbox: Sandbox, channel: Channel, record: Message, allowed: Json | None) -> None:
    """Who is notified: what the text names, minus what the author or `allowed_mentions` rules out."""
    world = sandbox.world
    parse = None if allowed is None else allowed.get("parse", [])
    named = list(dict.fromkeys(int(found) for found in _USER.findall(record.content)))
    people = [item for item in named if item in world.users]
    if parse is not None and "users" not in parse:
        wanted = {int(item) for item in (allowed or {}).get("users") or ()}
        people = [item for item in people if item in wanted]
    if record.reference is not None and (allowed is None or allowed.get("replied_user")):
        replied = channel.messages.get(int(record.reference["message_id"]))
        if replied is not None and replied.author_id not in people:
            people.append(replied.author_id)
    record.mentions = people
    record.mention_roles = []
    record.mention_everyone = False
    if channel.guild_id is None:
        return
    guild = world.guilds[channel.guild_id]
    roles = list(dict.fromkeys(int(found) for found in _ROLE.findall(record.content)))
    roles = [item for item in roles if item in guild.roles]
    if parse is not None and "roles" not in parse:
        wanted = {int(item) for item in (allowed or {}).get("roles") or ()}
        roles = [item for item in roles if item in wanted]
    record.mention_roles = roles
    if _EVERYONE.search(record.content) and (parse is None or "everyone" in parse):
        author = guild.members.get(record.author_id)
        bits = 0 if author is None else permissions.in_channel(guild, channel, author)
        record.mention_everyone = bool(bits & permissions.MENTION_EVERYONE)
