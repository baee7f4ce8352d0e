"""The door between the api and the bot engine: `Authorization: Bearer <BOT_ENGINE_SECRET>`."""

import hmac

from astero_shared.settings import SecretRing

_SCHEME = b"Bearer "


def authorization(secrets: SecretRing) -> str:
    """The header's value that the api sends: the current secret."""
    return f"Bearer {secrets.current}"


def is_authorized(header_values: list[bytes], secrets: SecretRing) -> bool:
    """Exactly one header, compared as bytes with every accepted secret in constant time.

    Bytes, because compare_digest raises on non-ASCII text, which would turn a refusal into a crash. Each
    accepted secret is compared whatever the others said, so that time does not tell which one was near.
    """
    presented = header_values[0] if len(header_values) == 1 else b""
    matches = [hmac.compare_digest(presented, _SCHEME + secret.encode()) for secret in secrets.reveal_all()]
    return any(matches)
