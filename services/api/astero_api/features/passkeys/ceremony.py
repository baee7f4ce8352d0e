"""WebAuthn as we use it: user verification always, our host and our origin exactly.

The bytes are checked by py_webauthn; what it may be shown, and what counts afterwards, is decided here.
"""

import base64
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import options_to_json_dict, parse_attestation_object
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AttestationFormat,
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from astero_api.features.passkeys.schemas import AssertionIn, AttestationIn
from astero_shared.features.passkeys.tables import Passkey

T = TypeVar("T")

CHALLENGE_BYTES: Final = 32
HANDLE_BYTES: Final = 64
TIMEOUT_SECONDS: Final = 300
_NAME: Final = "Astero"
_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
# Nobody is asked for an attestation; the other formats would only give strangers certificates to parse.
_FORMATS: Final = {AttestationFormat.NONE, AttestationFormat.PACKED}
_KNOWN_TRANSPORTS: Final = {transport.value: transport for transport in AuthenticatorTransport}


class PasskeyInvalidError(Exception):
    """The bytes prove nothing, for whatever reason."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks for a passkey: `host` is the id of WebAuthn, `origin` the only page it may be used on."""

    host: str
    origin: str

    @classmethod
    def of(cls, public_url: str) -> "RelyingParty":
        return cls(host=urlsplit(public_url).hostname or "", origin=public_url)


def new_challenge() -> bytes:
    return secrets.token_bytes(CHALLENGE_BYTES)


def challenge_in(client_data: str) -> bytes:
    """The challenge a browser says it has signed. Raises PasskeyInvalidError."""

    def read() -> bytes:
        challenge = _bytes(json.loads(_bytes(client_data))["challenge"])
        if len(challenge) != CHALLENGE_BYTES:
            raise ValueError("no challenge of ours")
        return challenge

    return _checked(read)


def creation_options(
    party: RelyingParty,
    *,
    challenge: bytes,
    user_handle: bytes,
    account: str,
    display_name: str,
    known: Sequence[Passkey],
) -> dict[str, Any]:
    """What `navigator.credentials.create()` takes; a device that holds one of `known` makes no other."""
    options = generate_registration_options(
        rp_id=party.host,
        rp_name=_NAME,
        user_id=user_handle,
        user_name=account,
        user_display_name=display_name,
        challenge=challenge,
        timeout=TIMEOUT_SECONDS * 1000,
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(known),
        supported_pub_key_algs=_ALGORITHMS,
    )
    return options_to_json_dict(options)


def request_options(
    party: RelyingParty, *, challenge: bytes, known: Sequence[Passkey] = ()
) -> dict[str, Any]:
    """What `navigator.credentials.get()` takes; without `known` the browser offers whatever it has."""
    options = generate_authentication_options(
        rp_id=party.host,
        challenge=challenge,
        timeout=TIMEOUT_SECONDS * 1000,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def check_attestation(party: RelyingParty, given: AttestationIn, *, challenge: bytes) -> VerifiedRegistration:
    """Raises PasskeyInvalidError."""

    def check() -> VerifiedRegistration:
        attestation = _bytes(given.response.attestation_object)
        if parse_attestation_object(attestation).fmt not in _FORMATS:
            raise ValueError("a format nobody asked for")
        return verify_registration_response(
            credential=RegistrationCredential(
                id=given.id,
                raw_id=_bytes(given.raw_id),
                response=AuthenticatorAttestationResponse(
                    client_data_json=_bytes(given.response.client_data_json), attestation_object=attestation
                ),
            ),
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=[party.origin],
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )

    return _checked(check)


def check_assertion(
    party: RelyingParty, given: AssertionIn, passkey: Passkey, *, challenge: bytes
) -> VerifiedAuthentication:
    """That this passkey has signed this challenge; whether its count rose is the database's to say.

    Raises PasskeyInvalidError.
    """

    def check() -> VerifiedAuthentication:
        return verify_authentication_response(
            credential=AuthenticationCredential(
                id=given.id,
                raw_id=_bytes(given.raw_id),
                response=AuthenticatorAssertionResponse(
                    client_data_json=_bytes(given.response.client_data_json),
                    authenticator_data=_bytes(given.response.authenticator_data),
                    signature=_bytes(given.response.signature),
                ),
            ),
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=[party.origin],
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )

    return _checked(check)


def known_transports(said: Sequence[str]) -> list[str]:
    """Hints for the browser's dialogue; what we do not know is not kept."""
    return [name for name in dict.fromkeys(said) if name in _KNOWN_TRANSPORTS]


def credential_bytes(text: str) -> bytes:
    """Raises PasskeyInvalidError."""
    return _checked(lambda: _bytes(text))


def _descriptors(known: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=passkey.credential_id,
            transports=[_KNOWN_TRANSPORTS[name] for name in passkey.transports],
        )
        for passkey in known
    ]


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _checked(work: Callable[[], T]) -> T:
    try:
        return work()
    except Exception as error:  # whatever a reader of hostile bytes stumbles over is a refusal
        raise PasskeyInvalidError from error
