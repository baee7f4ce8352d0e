"""Guilds, roles and channels as Discord writes them."""

from collections.abc import Iterable

from astero_sandbox.discord.models import Channel, Guild, Json, Role, User
from astero_sandbox.discord.snowflakes import iso

from .people import user


def role(record: Role) -> Json:
    body: Json = {
        "id": str(record.id),
        "name": record.name,
        "permissions": str(record.permissions),
        "position": record.position,
        "color": record.color,
        "colors": {
            "primary_color": record.color,
            "secondary_color": None,
            "tertiary_color": None,
        },
        "hoist": record.hoist,
        "managed": record.bot_id is not None,
        "mentionable": record.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }
    if record.bot_id is not None:
        body["tags"] = {"bot_id": str(record.bot_id)}
    return body


def guild_channel(record: Channel) -> Json:
    return {
        "id": str(record.id),
        "type": record.type,
        "last_message_id": None if record.last_message_id is None else str(record.last_message_id),
        "flags": 0,
        "guild_id": str(record.guild_id),
        "name": record.name,
        "parent_id": None,
        "rate_limit_per_user": 0,
        "topic": record.topic,
        "position": record.position,
        "permission_overwrites": [
            {
                "id": str(overwrite.id),
                "type": overwrite.kind,
                "allow": str(overwrite.allow),
                "deny": str(overwrite.deny),
            }
            for overwrite in record.overwrites
        ],
        "nsfw": False,
    }


def direct_channel(record: Channel, recipients: Iterable[User]) -> Json:
    """`recipients` are the others, never the reader."""
    return {
        "id": str(record.id),
        "type": record.type,
        "last_message_id": None if record.last_message_id is None else str(record.last_message_id),
        "flags": 0,
        "recipients": [user(person) for person in recipients],
    }


def guild(record: Guild) -> Json:
    return {
        "id": str(record.id),
        "name": record.name,
        "icon": None,
        "description": None,
        "home_header": None,
        "splash": None,
        "discovery_splash": None,
        "features": [],
        "banner": None,
        "owner_id": str(record.owner_id),
        "application_id": None,
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": 1,
        "roles": [role(item) for item in record.roles.values()],
        "default_message_notifications": 1,
        "mfa_level": 0,
        "explicit_content_filter": 2,
        "max_presences": None,
        "max_members": 25_000_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "rules_channel_id": None,
        "safety_alerts_channel_id": None,
        "public_updates_channel_id": None,
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "nsfw_level": 0,
        "emojis": [],
        "stickers": [],
        "incidents_data": None,
    }


def guild_create(
    record: Guild, *, channels: Iterable[Channel], members: list[Json], joined_at: float
) -> Json:
    """The gateway's fuller guild: with channels, and with the members this bot may see."""
    return guild(record) | {
        "joined_at": iso(joined_at),
        "large": False,
        "unavailable": False,
        "member_count": len(record.members),
        "voice_states": [],
        "members": members,
        "channels": [guild_channel(item) for item in channels],
        "threads": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def user_guild(record: Guild, *, is_owner: bool, permissions: int, counts: bool) -> Json:
    """An entry of `GET /users/@me/guilds`."""
    body: Json = {
        "id": str(record.id),
        "name": record.name,
        "icon": None,
        "banner": None,
        "owner": is_owner,
        "permissions": str(permissions),
        "features": [],
    }
    if counts:
        body |= {
            "approximate_member_count": len(record.members),
            "approximate_presence_count": len(record.members),
        }
    return body
