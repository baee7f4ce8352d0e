"""What travels in a WebAuthn ceremony: the JSON forms of Web Authentication Level 3, section 5.1.

The outer bodies are strict like all others; inside `credential` browsers may say more than we read.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from astero_shared.observability.masking import Masked

_BASE64URL = r"^[A-Za-z0-9_-]+$"
# Web Authentication, 5.8.3: an id has at most 1023 bytes
CredentialId = Annotated[str, Meta(pattern=_BASE64URL, max_length=1364)]
_Short = Annotated[str, Meta(pattern=_BASE64URL, max_length=4096)]
_Long = Annotated[str, Meta(pattern=_BASE64URL, max_length=32_768)]
Name = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["Phone"])]


class AssertionResponseIn(Masked, frozen=True, kw_only=True, rename="camel"):
    """AuthenticatorAssertionResponseJSON."""

    client_data_json: _Short = msgspec.field(name="clientDataJSON")
    authenticator_data: _Short
    signature: _Short
    user_handle: Annotated[str, Meta(pattern=_BASE64URL, max_length=88)] | None = None


class AssertionIn(Masked, frozen=True, kw_only=True, rename="camel"):
    """AuthenticationResponseJSON: what `credential.toJSON()` gives after `navigator.credentials.get()`."""

    id: CredentialId
    raw_id: CredentialId
    type: Literal["public-key"]
    response: AssertionResponseIn


class AttestationResponseIn(Masked, frozen=True, kw_only=True, rename="camel"):
    """AuthenticatorAttestationResponseJSON."""

    client_data_json: _Short = msgspec.field(name="clientDataJSON")
    attestation_object: _Long
    transports: Annotated[tuple[Annotated[str, Meta(max_length=32)], ...], Meta(max_length=8)] = ()


class AttestationIn(Masked, frozen=True, kw_only=True, rename="camel"):
    """RegistrationResponseJSON: what `credential.toJSON()` gives after `navigator.credentials.create()`."""

    id: CredentialId
    raw_id: CredentialId
    type: Literal["public-key"]
    response: AttestationResponseIn


class PasskeyIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A new passkey, and what its owner calls it."""

    name: Name
    credential: AttestationIn


class PasskeyPatch(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    name: Name


class PasskeySignInIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Who it is, the passkey says."""

    credential: AssertionIn


class CeremonyOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Options for `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`, good for five minutes."""

    public_key: dict[str, Any]


class PasskeyOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`backedUp` passkeys survive the loss of the device."""

    id: UUID
    name: str
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None


class PasskeyList(msgspec.Struct, frozen=True):
    """At most twenty."""

    items: tuple[PasskeyOut, ...]
