"""What travels with a second factor. Seeds and recovery codes leave once, when they are made."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from astero_api.features.passkeys.schemas import AssertionIn
from astero_api.web.exactly_one import ExactlyOne
from astero_shared.observability.masking import Masked

SecondFactor = Literal["totp", "recovery_code", "passkey"]
# bounds only: every wrong code is answered alike
Code = Annotated[str, Meta(min_length=1, max_length=64, examples=["492039"])]


class MfaRequired(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The first factor was right; the second goes to /api/auth/mfa/verify within five minutes."""

    mfa_required: Literal[True]
    methods: tuple[SecondFactor, ...]


class MfaOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The ways into the account, and what protects them.

    `proved` says that what asks for a recent proof is let through now.
    """

    enabled: bool
    enabled_at: datetime | None
    recovery_codes_left: int
    has_password: bool
    discord_username: str | None
    proved: bool


class EnrolmentOut(Masked, frozen=True, kw_only=True, rename="camel"):
    """Shown once: the seed in base32, the same as an otpauth:// address, and that as a QR code in SVG."""

    secret: str
    otpauth_uri: str
    otpauth_qr: str


class CodeIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A code of the authenticator app."""

    code: Code

    def __repr__(self) -> str:
        return "CodeIn(***)"


class VerifyIn(ExactlyOne, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A code of the app, one of the recovery codes, or a passkey's answer to `passkey-options`."""

    code: Code | UnsetType = UNSET
    recovery_code: Code | UnsetType = UNSET
    passkey: AssertionIn | UnsetType = UNSET


class RecoveryCodesOut(Masked, frozen=True, kw_only=True, rename="camel"):
    """Each works once, in place of a code of the app. Shown once: they replace all before."""

    recovery_codes: tuple[str, ...]
