"""Messages of a channel: read, write, edit, delete."""

import time
from typing import Any, Final

from astero_sandbox.discord import errors, permissions
from astero_sandbox.discord.actions import messages as actions
from astero_sandbox.discord.models import Channel, Guild, Json, Message
from astero_sandbox.discord.payloads.messages import message as message_payload
from astero_sandbox.discord.snowflakes import timestamp_of

from .access import ChannelAccess, channel_access
from .message_form import MessageForm, read_message_form
from .routing import Call, route, snowflake

_TWO_WEEKS: Final = 14 * 86_400
_PAGE_MAX: Final = 100
_BULK: Final = (2, 100)


@route("GET", "/channels/{channel_id}/messages", limit=(5, 5.0))
async def list_messages(call: Call) -> Any:
    """Newest first; one of `around`, `before`, `after`; nothing at all without read history."""
    access = channel_access(call)
    limit = _page_size(call)
    if not access.bits & permissions.READ_MESSAGE_HISTORY:
        return []
    found = [item for item in access.channel.messages.values() if item.visible_to is None]
    if "before" in call.query:
        border = snowflake("before", call.query["before"])
        found = [item for item in found if item.id < border][-limit:]
    elif "after" in call.query:
        border = snowflake("after", call.query["after"])
        found = [item for item in found if item.id > border][:limit]
    elif "around" in call.query:
        border = snowflake("around", call.query["around"])
        older = [item for item in found if item.id <= border][-(limit // 2 + 1) :]
        found = older + [item for item in found if item.id > border][: limit // 2]
    else:
        found = found[-limit:]
    return [_shown(call, item) for item in reversed(found)]


@route("GET", "/channels/{channel_id}/messages/{message_id}", limit=(5, 5.0))
async def get_message(call: Call) -> Any:
    access = channel_access(call)
    access.require(permissions.READ_MESSAGE_HISTORY)
    return _shown(call, _visible(call, access.channel))


@route("POST", "/channels/{channel_id}/messages", limit=(5, 5.0))
async def create_message(call: Call) -> Any:
    access = channel_access(call)
    form = read_message_form(call)
    form.require_something()
    access.require(permissions.SEND_MESSAGES)
    _require_reachable(call, access)
    if form.uploads:
        access.require(permissions.ATTACH_FILES)
    if known := _already_sent(call, access.channel, form):
        return _shown(call, known)
    record = Message(
        id=call.sandbox.world.ids.next_id(),
        channel_id=access.channel.id,
        author_id=call.bot.id,
        type=19 if form.reference else 0,
        tts=form.tts,
        nonce=form.nonce,
        reference=_reference(access, form),
        **form.changes(call.sandbox.world.ids),
    )
    if not access.bits & permissions.EMBED_LINKS:
        record.embeds = []
    return _shown(call, actions.post_message(call.sandbox, record, allowed=form.allowed_mentions))


@route("PATCH", "/channels/{channel_id}/messages/{message_id}", limit=(5, 5.0))
async def edit_message(call: Call) -> Any:
    access = channel_access(call)
    record = _visible(call, access.channel)
    form = read_message_form(call)
    if record.author_id != call.bot.id:
        raise errors.DiscordError(403, 50005)
    changes = form.changes(call.sandbox.world.ids)
    actions.edit_message(call.sandbox, record, changes, allowed=form.allowed_mentions)
    return _shown(call, record)


@route("DELETE", "/channels/{channel_id}/messages/{message_id}", limit=(5, 1.0))
async def delete_message(call: Call) -> Any:
    access = channel_access(call)
    record = _visible(call, access.channel)
    if record.author_id != call.bot.id:
        _require_guild(access)
        access.require(permissions.MANAGE_MESSAGES)
    actions.delete_message(call.sandbox, record, by=call.bot.id)
    if access.guild is not None and record.author_id != call.bot.id:
        call.sandbox.audit.message_delete(access.guild, record, by=call.bot.id, reason=call.reason)


@route("POST", "/channels/{channel_id}/messages/bulk-delete", limit=(5, 1.0))
async def bulk_delete_messages(call: Call) -> Any:
    """2 to 100 ids without repetition, none older than two weeks; nothing is deleted otherwise."""
    access = channel_access(call)
    guild = _require_guild(access)
    access.require(permissions.MANAGE_MESSAGES)
    given = call.form().get("messages")
    if not isinstance(given, list) or not _BULK[0] <= len(given) <= _BULK[1]:
        raise errors.DiscordError(400, 50016)
    ids = [snowflake("messages", item) for item in given]
    if len(set(ids)) != len(ids):
        raise errors.invalid_form(
            {"messages": errors.field_error("SET_TYPE_ALREADY_CONTAINS_VALUE", "Duplicate value")}
        )
    if any(timestamp_of(item) < time.time() - _TWO_WEEKS for item in ids):
        raise errors.DiscordError(400, 50034)
    there = sum(item in access.channel.messages for item in ids)
    actions.delete_messages(call.sandbox, access.channel, ids, by=call.bot.id)
    call.sandbox.audit.bulk_delete(guild, access.channel, count=there, by=call.bot.id, reason=call.reason)


@route("POST", "/channels/{channel_id}/typing", limit=(5, 5.0))
async def start_typing(call: Call) -> Any:
    access = channel_access(call)
    access.require(permissions.SEND_MESSAGES)
    actions.start_typing(call.sandbox, access.channel, call.bot.id)


def _require_guild(access: ChannelAccess) -> Guild:
    """What nobody can do in a direct conversation."""
    if access.guild is None:
        raise errors.DiscordError(403, 50003)
    return access.guild


def _page_size(call: Call) -> int:
    text = call.query.get("limit", "50")
    if not text.isdigit() or not 1 <= int(text) <= _PAGE_MAX:
        raise errors.invalid_form(
            {"limit": errors.field_error("NUMBER_TYPE_MAX", "int value should be less than or equal to 100.")}
        )
    return int(text)


def _visible(call: Call, channel: Channel) -> Message:
    """An ephemeral message is nowhere to be found on this route, not even for its author."""
    record = call.sandbox.world.get_message(channel, call.id("message_id"))
    if record.visible_to is not None:
        raise errors.unknown(10008)
    return record


def _shown(call: Call, record: Message) -> Json:
    return message_payload(call.sandbox.world, record, reader_id=call.bot.id)


def _require_reachable(call: Call, access: ChannelAccess) -> None:
    """A bot cannot write to another bot, nor to somebody it shares no server with."""
    if access.guild is not None:
        return
    others = [item for item in access.channel.recipients if item != call.bot.id]
    mine = {guild.id for guild in call.sandbox.world.guilds_of(call.bot.id)}
    for other in others:
        shared = any(guild.id in mine for guild in call.sandbox.world.guilds_of(other))
        if call.sandbox.world.users[other].bot or not shared:
            raise errors.DiscordError(403, 50007)


def _already_sent(call: Call, channel: Channel, form: MessageForm) -> Message | None:
    """`enforce_nonce`: the same nonce from the same author in the last minutes is the same message."""
    if not form.enforce_nonce or form.nonce is None:
        return None
    since = time.time() - 300
    for record in reversed(channel.messages.values()):
        if timestamp_of(record.id) < since:
            return None
        if record.nonce == form.nonce and record.author_id == call.bot.id:
            return record
    return None


def _reference(access: ChannelAccess, form: MessageForm) -> Json | None:
    if form.reference is None:
        return None
    message_id = snowflake("message_id", form.reference.get("message_id"))
    if message_id not in access.channel.messages:
        if form.reference.get("fail_if_not_exists") is False:
            return None
        raise errors.invalid_form(
            {"message_reference": errors.field_error("MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")}
        )
    access.require(permissions.READ_MESSAGE_HISTORY)
    return actions.reference_to(access.channel, message_id)
