"""The bodies of the internal route, shared by both ends. Snowflakes travel as strings."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from astero_shared.ids import Snowflake


class Contract(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of every body between the api and the bot engine."""


class EngineHealth(Contract, frozen=True):
    engine_id: UUID
    bots: int
    draining: bool


class HostedBot(Contract, frozen=True):
    """One bot as its engine sees it. `latency_ms` is the gateway's, None before the first heartbeat."""

    bot_id: UUID
    state: str
    guilds: int
    latency_ms: float | None
    queued: int
    dropped: int


class HostedBots(Contract, frozen=True):
    bots: list[HostedBot]


class Accepted(Contract, frozen=True):
    """The engine holds the bot and did what was asked, or does it now."""

    bot_id: UUID
    held: bool


class Channel(Contract, frozen=True):
    """`kind` is Discord's channel type number; `usable` whether the bot can write there."""

    id: Snowflake
    name: str
    kind: int
    position: int
    parent_id: Snowflake | None
    usable: bool


class Channels(Contract, frozen=True):
    channels: list[Channel]


class Role(Contract, frozen=True):
    """`assignable` is false at and above the bot's own highest role."""

    id: Snowflake
    name: str
    color: int
    position: int
    assignable: bool


class Roles(Contract, frozen=True):
    roles: list[Role]


class Announcement(Contract, frozen=True):
    """A message the api asks a bot to post, within Discord's bounds; its `nonce` drops a repetition."""

    channel_id: Snowflake
    content: Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"\A[^\x00]*\Z")]
    nonce: Annotated[str, Meta(min_length=1, max_length=25, pattern=r"\A[!-~]*\Z")]


class Announced(Contract, frozen=True):
    message_id: Snowflake
