"""Signatures judged by the specification's own library."""

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from astero_shared.clock import utc_now
from astero_shared.crypto.signatures import new_webhook_secret, shown_secret, signed_headers


@given(st.binary(min_size=24, max_size=64), st.dictionaries(st.text(), st.text()))
def test_the_reference_library_accepts_what_we_sign(secret: bytes, message: dict[str, str]) -> None:
    body = json.dumps(message).encode()
    headers = signed_headers([secret], message_id="msg_1", at=utc_now(), body=body)
    assert Webhook(shown_secret(secret)).verify(body, headers) == message


def test_either_secret_verifies_while_both_sign() -> None:
    old, new = new_webhook_secret(), new_webhook_secret()
    headers = signed_headers([new, old], message_id="msg_1", at=utc_now(), body=b"{}")
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (old, new):
        assert Webhook(shown_secret(secret)).verify(b"{}", headers) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(shown_secret(new_webhook_secret())).verify(b"{}", headers)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_id_and_time_are_signed_too(name: str) -> None:
    secret = new_webhook_secret()
    headers = signed_headers([secret], message_id="msg_1", at=utc_now(), body=b"{}")
    headers[name] = "msg_2" if name == "webhook-id" else str(int(headers[name]) + 1)
    with pytest.raises(WebhookVerificationError):
        Webhook(shown_secret(secret)).verify(b"{}", headers)


def test_a_message_replayed_later_is_refused() -> None:
    secret = new_webhook_secret()
    headers = signed_headers([secret], message_id="msg_1", at=utc_now() - timedelta(minutes=6), body=b"{}")
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(shown_secret(secret)).verify(b"{}", headers)


def test_a_secret_has_the_length_and_form_of_the_specification() -> None:
    shown = {shown_secret(new_webhook_secret()) for _ in range(50)}
    assert len(shown) == 50
    assert all(24 <= len(base64.b64decode(one.removeprefix("whsec_"), validate=True)) <= 64 for one in shown)


def test_an_id_with_a_dot_could_be_read_in_two_ways() -> None:
    with pytest.raises(ValueError, match="dot"):
        signed_headers([b"x" * 32], message_id="msg.1", at=utc_now(), body=b"{}")
