"""Messages as Discord writes them, and what is left of one without the message content intent."""

from astero_sandbox.discord.models import Attachment, Channel, Json, Message
from astero_sandbox.discord.snowflakes import iso, timestamp_of
from astero_sandbox.discord.world import World

from .people import member_without_user, user

EPHEMERAL = 1 << 6
LOADING = 1 << 7


def message(world: World, record: Message, *, reader_id: int | None = None) -> Json:
    """`reader_id` decides the `me` of reactions and nothing else."""
    body: Json = {
        "type": record.type,
        "content": record.content,
        "mentions": [user(world.users[user_id]) for user_id in record.mentions],
        "mention_roles": [str(role_id) for role_id in record.mention_roles],
        "attachments": [_attachment(record, item) for item in record.attachments],
        "embeds": record.embeds,
        "timestamp": iso(timestamp_of(record.id)),
        "edited_timestamp": None if record.edited_at is None else iso(record.edited_at),
        "flags": record.flags,
        "components": record.components,
        "id": str(record.id),
        "channel_id": str(record.channel_id),
        "author": user(world.users[record.author_id]),
        "pinned": record.pinned,
        "mention_everyone": record.mention_everyone,
        "tts": record.tts,
    }
    if record.nonce is not None:
        body["nonce"] = record.nonce
    if record.application_id is not None:
        body["application_id"] = str(record.application_id)
        body["webhook_id"] = str(record.application_id)
    if record.interaction is not None:
        body["interaction_metadata"] = record.interaction
    if record.reference is not None:
        body["message_reference"] = record.reference
        body["referenced_message"] = _referenced(world, record.reference)
    if record.reactions:
        body["reactions"] = [
            _reaction(emoji, people, reader_id) for emoji, people in record.reactions.items()
        ]
    return body


def message_event(world: World, record: Message, channel: Channel) -> Json:
    """MESSAGE_CREATE and MESSAGE_UPDATE: the message with its guild and the author's member part."""
    body = message(world, record)
    body["channel_type"] = channel.type
    if channel.guild_id is not None:
        guild = world.guilds[channel.guild_id]
        body["guild_id"] = str(guild.id)
        if (author := guild.members.get(record.author_id)) and record.application_id is None:
            body["member"] = member_without_user(author)
        for mention in body["mentions"]:
            if mentioned := guild.members.get(int(mention["id"])):
                mention["member"] = member_without_user(mentioned)
    return body


def without_content(body: Json) -> Json:
    """The same message for an application that may not read what people write."""
    return body | {"content": "", "embeds": [], "attachments": [], "components": []}


def _referenced(world: World, reference: Json) -> Json | None:
    channel = world.channels.get(int(reference["channel_id"]))
    target = channel and channel.messages.get(int(reference.get("message_id", 0)))
    if not target:
        return None
    body = message(world, target)
    body.pop("referenced_message", None)
    return body


def _reaction(emoji: str, people: list[int], reader_id: int | None) -> Json:
    return {
        "emoji": {"id": None, "name": emoji},
        "count": len(people),
        "count_details": {"burst": 0, "normal": len(people)},
        "burst_colors": [],
        "me_burst": False,
        "me": reader_id in people,
    }


def _attachment(record: Message, item: Attachment) -> Json:
    url = f"https://cdn.discordapp.com/attachments/{record.channel_id}/{item.id}/{item.filename}"
    body: Json = {
        "id": str(item.id),
        "filename": item.filename,
        "size": item.size,
        "url": url,
        "proxy_url": url.replace("cdn.discordapp.com", "media.discordapp.net"),
    }
    if item.content_type is not None:
        body["content_type"] = item.content_type
    if item.description is not None:
        body["description"] = item.description
    return body
