"""Reactions come and go."""

from astero_sandbox.discord.gateway import protocol
from astero_sandbox.discord.models import Json, Message
from astero_sandbox.discord.payloads.people import member as member_payload
from astero_sandbox.discord.sandbox import Sandbox


def add_reaction(sandbox: Sandbox, record: Message, emoji: str, user_id: int) -> None:
    people = record.reactions.setdefault(emoji, [])
    if user_id not in people:
        people.append(user_id)
        _tell(sandbox, "MESSAGE_REACTION_ADD", record, emoji, user_id)


def remove_reaction(sandbox: Sandbox, record: Message, emoji: str, user_id: int) -> None:
    people = record.reactions.get(emoji, [])
    if user_id in people:
        people.remove(user_id)
        if not people:
            del record.reactions[emoji]
        _tell(sandbox, "MESSAGE_REACTION_REMOVE", record, emoji, user_id)


def _tell(sandbox: Sandbox, name: str, record: Message, emoji: str, user_id: int) -> None:
    world = sandbox.world
    world.dirty = True
    channel = world.channels[record.channel_id]
    data: Json = {
        "user_id": str(user_id),
        "channel_id": str(channel.id),
        "message_id": str(record.id),
        "emoji": {"id": None, "name": emoji},
        "type": 0,
        "burst": False,
    }
    if channel.guild_id is not None:
        guild = world.guilds[channel.guild_id]
        data["guild_id"] = str(guild.id)
        if name.endswith("ADD") and (member := guild.members.get(user_id)):
            data["member"] = member_payload(member, world.users[user_id])
            data["message_author_id"] = str(record.author_id)
    sandbox.broadcast.to_channel(
        channel,
        name,
        data,
        guild_intent=protocol.GUILD_MESSAGE_REACTIONS,
        dm_intent=protocol.DIRECT_MESSAGE_REACTIONS,
    )
