"""A message as the gateway sent it, read only as far as automod's verdict needs it."""

from datetime import datetime
from typing import Final

import discord
import msgspec

from astero_bot_engine.dispatch.events import RawEvent
from astero_shared.features.automod.rules import MessageFacts

# What people write: an ordinary message and a reply. Joins, boosts, pins and Discord's own notices are not.
_WRITTEN: Final = frozenset({0, 19})


class _Author(msgspec.Struct, gc=False):
    id: str
    username: str = ""
    bot: bool = False


class Member(msgspec.Struct, gc=False):
    roles: list[str] = []


class _Mention(msgspec.Struct, gc=False):
    id: str


class _Forwarded(msgspec.Struct, frozen=True, gc=False):
    content: str = ""


class _Snapshot(msgspec.Struct, gc=False):
    message: _Forwarded = _Forwarded()


class Message(msgspec.Struct, gc=False):
    """MESSAGE_CREATE and MESSAGE_UPDATE; an update may lack whatever did not change."""

    id: str
    channel_id: str
    author: _Author | None = None
    member: Member | None = None
    content: str = ""
    mentions: list[_Mention] = []
    mention_roles: list[str] = []
    mention_everyone: bool = False
    message_snapshots: list[_Snapshot] = []
    webhook_id: str | None = None
    edited_timestamp: datetime | None = None
    type: int = 0


def read_message(event: RawEvent) -> Message | None:
    """None for what nobody wrote: other bots, webhooks, the bot itself, Discord's own notices."""
    message = event.decode(Message)
    return message if is_written(message) else None


def is_written(message: Message) -> bool:
    """Whether a person wrote it."""
    author = message.author
    return not (
        author is None or author.bot or message.webhook_id is not None or message.type not in _WRITTEN
    )


def first_look(message: Message) -> MessageFacts:
    """Enough to acquit: what is left out (threads' parents, categories) can only excuse a message further."""
    content = message.content
    if message.message_snapshots:
        content = "\n".join((content, *(snapshot.message.content for snapshot in message.message_snapshots)))
    member = message.member
    return MessageFacts(
        content=content,
        channel_id=int(message.channel_id),
        author_role_ids=frozenset(map(int, member.roles)) if member is not None else frozenset(),
        mentioned_users=len(message.mentions),
        mentioned_roles=len(message.mention_roles),
        mentions_everyone=message.mention_everyone,
    )


def full_look(facts: MessageFacts, guild: discord.Guild) -> MessageFacts:
    """With the places around the channel, and the server's own vanity invite."""
    parent_id, category_id = None, None
    channel = guild.get_channel_or_thread(facts.channel_id)
    if isinstance(channel, discord.Thread):
        parent_id = channel.parent_id
        category_id = None if channel.parent is None else channel.parent.category_id
    elif channel is not None:
        parent_id = channel.category_id
    vanity = guild.vanity_url_code
    return msgspec.structs.replace(
        facts,
        parent_id=parent_id,
        category_id=category_id,
        own_invite_codes=facts.own_invite_codes | ({vanity} if vanity else set[str]()),
    )
