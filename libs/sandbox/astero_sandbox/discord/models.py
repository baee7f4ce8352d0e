"""What the sandbox knows, as plain records. They are also the format of the state file.

Ids are int, times are seconds since 1970, permissions are bit sets.
"""

from typing import Any

from msgspec import Struct, field

# The three *_LIMITED flags: what a portal user switches on for an application in fewer than 100 servers.
PRESENCE_LIMITED = 1 << 13
GUILD_MEMBERS_LIMITED = 1 << 15
MESSAGE_CONTENT_LIMITED = 1 << 19
ALL_INTENTS_ALLOWED = PRESENCE_LIMITED | GUILD_MEMBERS_LIMITED | MESSAGE_CONTENT_LIMITED

# Of the state file; another one is not read.
VERSION = 1

TEXT_CHANNEL = 0
DM_CHANNEL = 1
IDENTIFIES_A_DAY = 1000

Json = dict[str, Any]


class User(Struct, kw_only=True):
    id: int
    username: str
    global_name: str | None = None
    email: str | None = None
    locale: str = "en-US"
    bot: bool = False


class Command(Struct, kw_only=True):
    """`body` is the command as Discord answers it, without the ids kept beside it."""

    id: int
    guild_id: int | None
    version: int
    body: Json


class Application(Struct, kw_only=True):
    """`id` is also the id of its bot user, as with every application made since 2016."""

    id: int
    name: str
    owner_id: int
    token: str
    client_secret: str
    public_key: str
    flags: int = ALL_INTENTS_ALLOWED
    description: str = ""
    tags: list[str] = field(default_factory=list)
    redirect_uris: list[str] = field(default_factory=list)
    commands: dict[int, Command] = field(default_factory=dict)
    identifies_left: int = IDENTIFIES_A_DAY
    identifies_reset_at: float = 0.0


class Role(Struct, kw_only=True):
    id: int
    name: str
    permissions: int
    position: int
    color: int = 0
    hoist: bool = False
    mentionable: bool = False
    bot_id: int | None = None


class Overwrite(Struct, kw_only=True):
    """`kind` 0 is a role, 1 a member."""

    id: int
    kind: int
    allow: int = 0
    deny: int = 0


class Attachment(Struct, kw_only=True):
    id: int
    filename: str
    size: int
    content_type: str | None = None
    description: str | None = None


class Message(Struct, kw_only=True):
    """`visible_to` set means ephemeral: only that user and the application ever see it."""

    id: int
    channel_id: int
    author_id: int
    content: str = ""
    type: int = 0
    flags: int = 0
    tts: bool = False
    pinned: bool = False
    edited_at: float | None = None
    nonce: str | int | None = None
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    mentions: list[int] = field(default_factory=list)
    mention_roles: list[int] = field(default_factory=list)
    mention_everyone: bool = False
    reference: Json | None = None
    reactions: dict[str, list[int]] = field(default_factory=dict)
    application_id: int | None = None
    interaction: Json | None = None
    visible_to: int | None = None


class Channel(Struct, kw_only=True):
    """`guild_id` is None for a direct conversation, whose people are `recipients`."""

    id: int
    type: int = TEXT_CHANNEL
    guild_id: int | None = None
    name: str = ""
    position: int = 0
    topic: str | None = None
    overwrites: list[Overwrite] = field(default_factory=list)
    recipients: list[int] = field(default_factory=list)
    last_message_id: int | None = None
    messages: dict[int, Message] = field(default_factory=dict)


class Member(Struct, kw_only=True):
    user_id: int
    joined_at: float
    nick: str | None = None
    roles: list[int] = field(default_factory=list)
    timeout_until: float | None = None


class AuditEntry(Struct, kw_only=True):
    id: int
    action_type: int
    user_id: int
    target_id: int | None
    reason: str | None = None
    changes: list[Json] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)


class Guild(Struct, kw_only=True):
    """`bans` maps a user to the reason; `unavailable` is an outage, not a removal."""

    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict)
    channel_ids: list[int] = field(default_factory=list)
    members: dict[int, Member] = field(default_factory=dict)
    bans: dict[int, str | None] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    unavailable: bool = False


class Snapshot(Struct, kw_only=True):
    """The whole state file."""

    version: int = VERSION
    users: dict[int, User] = field(default_factory=dict)
    applications: dict[int, Application] = field(default_factory=dict)
    guilds: dict[int, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
