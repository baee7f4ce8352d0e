"""The token between two factors is of its own kind: its own type, its own key, five minutes."""

import base64
import json
from uuid import UUID

import pytest

from astero_api.web import signed_token
from astero_api.web.access_token import AccessTokens
from astero_api.web.second_step import SecondStep, SecondStepTokens, _Claims
from astero_api.web.signed_token import SignedTokens
from astero_shared.settings import SecretRing

SECRET = SecretRing.parse("one-secret-of-more-than-thirty-two-bytes")
STEP = SecondStep(user_id=UUID(int=1), login_id=UUID(int=2))


def test_what_was_issued_is_read_for_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = SecondStepTokens(SECRET)
    now = int(signed_token.time.time())
    monkeypatch.setattr(signed_token.time, "time", lambda: now + 0.999)
    token = tokens.issue(STEP)
    head = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert (head["alg"], head["typ"]) == ("HS256", "mfa+jwt")
    assert tokens.read(token) == STEP
    monkeypatch.setattr(signed_token.time, "time", lambda: now + 304.999)
    assert tokens.read(token) == STEP
    monkeypatch.setattr(signed_token.time, "time", lambda: now + 305)
    assert tokens.read(token) is None


@pytest.mark.parametrize("typ", ["at+jwt", "JWT", "mfa+jwt2"])
def test_the_same_claims_of_another_kind_are_no_token(typ: str) -> None:
    """Same secret, same claims: the type and the key derived for it tell them apart."""
    other = SignedTokens(SECRET, typ=typ, claims=_Claims, seconds=300)
    token = other.sign(subject=STEP.user_id, lid=str(STEP.login_id))
    assert other.read(token) is not None
    assert SecondStepTokens(SECRET).read(token) is None


def test_neither_kind_is_the_other() -> None:
    token = SecondStepTokens(SECRET).issue(STEP)
    assert AccessTokens(SECRET).read(token) is None
