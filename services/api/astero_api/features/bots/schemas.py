"""Bots as their owner sees them. A token goes in and never comes out."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from astero_shared.observability.masking import Masked

BotName = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"^\S(?:[^\x00-\x1f\x7f]*\S)?$")]
BotTokenText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        description="The bot's token from Discord's developer portal.",
        examples=["MTE4Nz….GzZ9xQ.…"],
    ),
]


class BotIn(Masked, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Without a name the bot keeps the one it has at Discord."""

    token: BotTokenText
    name: BotName | None = None


class TokenIn(Masked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new token of the same application."""

    token: BotTokenText


class BotPatch(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    name: BotName


class TokenOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether a token is stored, and enough of it to recognise it by."""

    set: bool
    last4: str | None
    updated_at: datetime | None


class StatusOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`state` is starting, online, degraded, token_invalid, stopped or removed.

    `reason` is a stable code, `detail` its facts; `message` says in the reader's language what it means and
    what the owner can do about it.
    """

    state: str
    reason: str | None
    message: str
    detail: dict[str, Any]
    since_at: datetime | None


class BotOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`desiredState` is what the owner wants, `status` what is."""

    id: UUID
    kind: str
    name: str
    application_id: str | None
    discord_user_id: str | None
    avatar_url: str | None
    invite_url: str | None
    desired_state: str
    token: TokenOut
    status: StatusOut
    created_at: datetime
    updated_at: datetime


class BotPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Oldest first."""

    items: tuple[BotOut, ...]
    next_cursor: str | None
