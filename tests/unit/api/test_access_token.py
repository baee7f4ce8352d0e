"""Only the tokens we wrote, for as long as we meant them, are tokens."""

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt

from astero_api.web import signed_token
from astero_api.web.access_token import AccessToken, AccessTokens
from astero_api.web.signed_token import AUDIENCE
from astero_shared.settings import SecretRing

OLD, NEW, OTHER = (f"{name}-secret-of-more-than-thirty-two-bytes" for name in ("old", "new", "other"))
USER, SESSION = UUID(int=1), UUID(int=2)
PROVED_AT = datetime.fromtimestamp(int(time.time()) - 100, UTC)


def tokens(*secrets: str) -> AccessTokens:
    return AccessTokens(SecretRing.parse(",".join(secrets)))


def issue(reader: AccessTokens) -> str:
    return reader.issue(
        user_id=USER, session_id=SESSION, token_version=3, authenticated_at=PROVED_AT, amr=("pwd", "otp")
    )


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def opened(part: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def forge(reader: AccessTokens, claims: dict[str, Any], **header: Any) -> str:
    """Signed with the real key: only what it says is wrong."""
    key = reader._signed._current
    whole = {"alg": "HS256", "typ": "at+jwt", "kid": key.kid} | header
    return jwt.encode(whole, claims, key.key)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "iss": "astero", "aud": AUDIENCE, "sub": str(USER), "sid": str(SESSION), "ver": 3, "iat": now,
        "nbf": now, "exp": now + 600, "jti": str(UUID(int=9)), "auth_time": now, "amr": ["pwd"],
    } | changes  # fmt: skip
    return {name: value for name, value in whole.items() if value is not None}


def test_what_was_issued_is_read_also_a_second_time() -> None:
    reader = tokens(NEW)
    token = issue(reader)
    assert (
        reader.read(token) == reader.read(token) == AccessToken(USER, SESSION, 3, PROVED_AT, ("pwd", "otp"))
    )


def test_the_header_and_claims_are_exactly_these() -> None:
    head, body, _ = issue(tokens(NEW)).split(".")
    assert opened(head).keys() == {"alg", "typ", "kid"}
    assert (opened(head)["alg"], opened(head)["typ"]) == ("HS256", "at+jwt")
    said = opened(body)
    assert said.keys() == {
        "iss", "aud", "sub", "sid", "ver", "iat", "nbf", "exp", "jti", "auth_time", "amr",
    }  # fmt: skip
    assert said["aud"] == "wize-api"
    assert said["exp"] - said["iat"] <= 600


def test_the_secret_before_is_accepted_and_never_used() -> None:
    assert tokens(NEW, OLD).read(issue(tokens(OLD))) is not None
    assert tokens(OLD).read(issue(tokens(NEW, OLD))) is None
    assert tokens(NEW).read(issue(tokens(OTHER))) is None


def test_the_secret_itself_signs_nothing() -> None:
    head, body, _ = issue(tokens(NEW)).split(".")
    signature = hmac.new(NEW.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    assert tokens(NEW).read(f"{head}.{body}.{segment(signature)}") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"}, {"aud": [AUDIENCE]}, {"aud": None}, {"iss": "x"}, {"exp": None}, {"nbf": None},
        {"iat": None}, {"jti": None}, {"sid": None}, {"ver": "3"}, {"ver": 3.5}, {"sub": "someone"},
        {"admin": True}, {"exp": 1}, {"exp": 2**40}, {"exp": "9999999999"},
        {"auth_time": None}, {"auth_time": "1"}, {"auth_time": 2**40}, {"auth_time": 0}, {"amr": None},
        {"amr": []}, {"amr": "pwd"}, {"amr": ["admin"]}, {"amr": [7]},
        {"iat": 2**40, "exp": 2**40 + 600}, {"nbf": 2**40},
    ],
    ids=str,
)  # fmt: skip
def test_a_claim_that_is_off_is_no_token(changes: dict[str, Any]) -> None:
    reader = tokens(NEW)
    assert reader.read(forge(reader, claims())) is not None
    assert reader.read(forge(reader, claims(**changes))) is None


@pytest.mark.parametrize(
    "header", [{"typ": "JWT"}, {"kid": "other"}, {"cty": "JWT"}, {"jku": "https://evil.example"}], ids=str
)
def test_a_header_that_is_not_ours_is_no_token(header: dict[str, Any]) -> None:
    reader = tokens(NEW)
    assert reader.read(forge(reader, claims(), **header)) is None


def test_nothing_unsigned_or_garbled_is_a_token() -> None:
    reader = tokens(NEW)
    token = issue(reader)
    head, body, signature = token.split(".")
    none = segment({"alg": "none", "typ": "at+jwt", "kid": reader._signed._current.kid})
    for wrong in (
        "", ".", "..", token + "=", token + ".", " " + token, token[:-1], f"{none}.{body}.",
        f"{none}.{body}.x", f"{head}.{body}.{'A' * 43}", f"{body}.{head}.{signature}", "é" * 40,
        "\ud800", "a" * 5000, f"{head}.{body}.{signature[:-1]}-",
    ):  # fmt: skip
        assert reader.read(wrong) is None, wrong


def test_a_token_read_before_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = tokens(NEW)
    now = int(time.time())
    # issued in the last moment of a second, which is all that its claims know of
    monkeypatch.setattr(signed_token.time, "time", lambda: now + 0.999)
    token = issue(reader)
    assert reader.read(token) is not None
    monkeypatch.setattr(signed_token.time, "time", lambda: now + 604.999)
    assert reader.read(token) is not None
    monkeypatch.setattr(signed_token.time, "time", lambda: now + 605)
    assert reader.read(token) is None
