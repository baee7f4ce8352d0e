"""What travels when people sign in. Tokens do not: they live in cookies alone."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from astero_api.features.passkeys.schemas import AssertionIn
from astero_api.web.exactly_one import ExactlyOne
from astero_shared.observability.masking import Masked


class LoginIn(Masked, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Bounds only; every wrong pair is answered alike."""

    email: Annotated[str, Meta(min_length=1, max_length=254, examples=["ana@example.com"])]
    password: Annotated[str, Meta(min_length=1, max_length=1024, examples=["four-words-nobody-guesses"])]


class ReauthenticationIn(ExactlyOne, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Who is signed in proves it once more; with two-step verification on, not by the password."""

    password: Annotated[str, Meta(min_length=1, max_length=1024)] | UnsetType = UNSET
    code: Annotated[str, Meta(min_length=1, max_length=64, examples=["492039"])] | UnsetType = UNSET
    passkey: AssertionIn | UnsetType = UNSET


class SessionOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One sign-in; `current` is the one that asks.

    One recognises it by `device` (`Firefox, Windows`) and `network`, the /24 or /48 of the address.
    """

    id: UUID
    current: bool
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    user_agent: str | None
    ip: str | None
    device: str | None
    network: str | None


class SessionList(msgspec.Struct, frozen=True):
    """At most twenty: the oldest ends when another begins."""

    items: tuple[SessionOut, ...]
