"""What travels when people make accounts and change them."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from astero_shared.features.accounts.tables import User
from astero_shared.observability.masking import Masked

Email = Annotated[
    str, Meta(min_length=3, max_length=254, examples=["ana@example.com"], description="One address.")
]
NewPassword = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=1024,
        examples=["four-words-nobody-guesses"],
        description="Taken exactly as sent: 12 to 1024 bytes in UTF-8, ten characters or more of any kind.",
    ),
]
DisplayName = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
LinkToken = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        examples=["wJalrXUtnFEMI-K7MDENG_bPxRfiCYEXAMPLEKEY123"],
        description="What stands after the # of the link in the letter.",
    ),
]


class RegistrationIn(Masked, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    email: Email
    password: NewPassword
    display_name: DisplayName | None = None
    locale: Literal["en", "fr"] = "en"


class VerificationIn(Masked, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    token: LinkToken


class ForgottenIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    email: Email


class ResetIn(Masked, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    token: LinkToken
    password: NewPassword


class PasswordChangeIn(Masked, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    current_password: Annotated[str, Meta(min_length=1, max_length=1024)]
    password: NewPassword


class ProfileIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is left out stays as it is. A new address counts once the link sent there was followed."""

    email: Email | UnsetType = UNSET
    display_name: DisplayName | UnsetType | None = UNSET
    locale: Literal["en", "fr"] | UnsetType = UNSET


class Accepted(msgspec.Struct, frozen=True):
    """The same for every address; what follows arrives by mail."""

    detail: str


class UserOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A user as that user sees it."""

    id: UUID
    email: str
    email_verified: bool
    display_name: str | None
    locale: str


def user_out(user: User) -> UserOut:
    return UserOut(
        id=user.id,
        email=user.email,
        email_verified=user.email_verified_at is not None,
        display_name=user.display_name,
        locale=user.locale,
    )
