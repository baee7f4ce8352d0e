"""INTERACTION_CREATE: who, where, with which permissions; `data` differs by kind."""

from typing import Final

from astero_sandbox.discord import permissions
from astero_sandbox.discord.models import Channel, Json, Message
from astero_sandbox.discord.payloads import guilds as guild_wire
from astero_sandbox.discord.payloads.messages import message as message_payload
from astero_sandbox.discord.payloads.people import member_without_user, user
from astero_sandbox.discord.sandbox import Sandbox

from .registry import Interaction

_FILE_MAX: Final = 10 * 1024 * 1024
_DM_PERMISSIONS: Final = (
    permissions.ATTACH_FILES
    | permissions.EMBED_LINKS
    | permissions.MENTION_EVERYONE
    | permissions.USE_EXTERNAL_EMOJIS
)


def envelope(sandbox: Sandbox, interaction: Interaction, data: Json, source: Message | None) -> Json:
    """The whole event."""
    world = sandbox.world
    person = world.users[interaction.user_id]
    channel = world.channels[interaction.channel_id]
    body: Json = {
        "id": str(interaction.id),
        "application_id": str(interaction.application_id),
        "type": int(interaction.kind),
        "token": interaction.token,
        "version": 1,
        "data": data,
        "channel_id": str(channel.id),
        "locale": person.locale,
        "entitlements": [],
        "entitlement_sku_ids": [],
        "authorizing_integration_owners": {"0": str(interaction.guild_id or 0)},
        "context": 1 if interaction.guild_id is None else 0,
        "attachment_size_limit": _FILE_MAX,
    }
    if source is not None:
        body["message"] = message_payload(world, source)
    if interaction.guild_id is None:
        others = [world.users[item] for item in channel.recipients if item != interaction.user_id]
        body["channel"] = guild_wire.direct_channel(channel, others)
        body["user"] = user(person)
        body["app_permissions"] = str(_DM_PERMISSIONS)
        return body
    guild = world.guilds[interaction.guild_id]
    member = guild.members[person.id]
    bits = permissions.in_channel(guild, channel, member)
    bot = guild.members[interaction.application_id]
    body |= {
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
        "guild_locale": "en-US",
        "channel": partial_channel(channel, bits),
        "member": member_without_user(member)
        | {
            "user": user(person),
            "permissions": str(bits),
            "unusual_dm_activity_until": None,
        },
        "app_permissions": str(permissions.in_channel(guild, channel, bot)),
    }
    return body


def partial_channel(channel: Channel, bits: int) -> Json:
    """A channel with what the person who interacts may do in it."""
    body = guild_wire.guild_channel(channel)
    body.pop("permission_overwrites")
    return body | {"permissions": str(bits)}
