"""Reactions: one's own, anybody's, all; with plain emoji only."""

from typing import Any, Final

from astero_sandbox.discord import errors, permissions
from astero_sandbox.discord.actions import reactions as actions
from astero_sandbox.discord.models import Message
from astero_sandbox.discord.payloads.people import user as user_payload

from .access import ChannelAccess, channel_access
from .routing import Call, route

_ALL = "/channels/{channel_id}/messages/{message_id}/reactions"
_ONE = _ALL + "/{emoji}"
_LIMIT: Final = (1, 0.25)
_KINDS_MAX: Final = 20


@route("PUT", _ONE + "/@me", limit=_LIMIT)
async def add_reaction(call: Call) -> Any:
    access, record = _target(call)
    access.require(permissions.READ_MESSAGE_HISTORY)
    emoji = call.path["emoji"]
    if emoji not in record.reactions:
        access.require(permissions.ADD_REACTIONS)
        if len(record.reactions) >= _KINDS_MAX:
            raise errors.DiscordError(400, 30010)
    actions.add_reaction(call.sandbox, record, emoji, call.bot.id)


@route("DELETE", _ONE + "/@me", limit=_LIMIT)
async def remove_own_reaction(call: Call) -> Any:
    _, record = _target(call)
    actions.remove_reaction(call.sandbox, record, call.path["emoji"], call.bot.id)


@route("DELETE", _ONE + "/{user_id}", limit=_LIMIT)
async def remove_reaction(call: Call) -> Any:
    access, record = _target(call)
    access.require(permissions.MANAGE_MESSAGES)
    actions.remove_reaction(call.sandbox, record, call.path["emoji"], call.id("user_id"))


@route("DELETE", _ALL, limit=_LIMIT)
async def remove_all_reactions(call: Call) -> Any:
    access, record = _target(call)
    access.require(permissions.MANAGE_MESSAGES)
    record.reactions.clear()
    call.sandbox.world.dirty = True


@route("GET", _ONE, limit=_LIMIT)
async def list_reactions(call: Call) -> Any:
    _, record = _target(call)
    people = record.reactions.get(call.path["emoji"], [])
    return [user_payload(call.sandbox.world.users[item]) for item in people]


def _target(call: Call) -> tuple[ChannelAccess, Message]:
    access = channel_access(call)
    record = call.sandbox.world.get_message(access.channel, call.id("message_id"))
    if record.visible_to is not None:
        raise errors.unknown(10008)
    return access, record
