"""Signatures of outgoing webhooks, after the Standard Webhooks specification (v1: HMAC-SHA256).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import os
from collections.abc import Sequence
from datetime import datetime
from typing import Final

# The specification asks for 24 to 64.
SECRET_BYTES: Final = 32
_PREFIX: Final = "whsec_"


def new_webhook_secret() -> bytes:
    return os.urandom(SECRET_BYTES)


def shown_secret(secret: bytes) -> str:
    """As consumers' libraries take it: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(secret).decode()


def signed_headers(secrets: Sequence[bytes], *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers. One signature for each secret: a consumer that knows any of them is content.

    `at` is the time of this attempt; `message_id` has no dot, or it could pass for another id and time.
    """
    if "." in message_id:
        raise ValueError("a message id has no dot")
    timestamp = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = (base64.b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
