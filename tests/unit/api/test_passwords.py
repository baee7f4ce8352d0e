"""The pool that hashes: bounded, and the same work whoever asks."""

import asyncio
import base64
import hmac
import os
from hashlib import sha384

import bcrypt
import pytest
from support.api import environment

from astero_api.app import create_app
from astero_api.features.accounts import passwords
from astero_api.features.accounts.passwords import PasswordHashes
from astero_api.settings import ApiSettings
from astero_shared.crypto.keyring import Keyring
from astero_shared.errors import UnavailableError
from astero_shared.settings import load

PEPPER = os.urandom(32)
RING = Keyring({7: PEPPER})


async def test_a_hash_is_bcrypt_over_the_peppered_password() -> None:
    hashes = PasswordHashes(RING, cost=4)
    stored = await hashes.make("pässword with NUL \0")
    hashed, _, key_id = stored.rpartition("$p")
    digest = hmac.new(PEPPER, "pässword with NUL \0".encode(), sha384).digest()
    assert key_id == "7"
    assert bcrypt.checkpw(base64.b64encode(digest), hashed.encode())
    assert await hashes.check("pässword with NUL \0", stored)
    assert not await hashes.check("pässword with NUL ", stored)
    hashes.close()


async def test_nothing_stored_is_never_right_and_costs_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = PasswordHashes(RING, cost=4)
    checked: list[bytes] = []
    real = bcrypt.checkpw

    def counting(password: bytes, hashed: bytes) -> bool:
        checked.append(hashed)
        return real(password, hashed)

    monkeypatch.setattr(passwords.bcrypt, "checkpw", counting)
    assert not await hashes.check("anything", None)
    assert not await hashes.check("anything", "garbage")
    assert not await hashes.check("anything", "$2b$04$short$p7")
    assert not await hashes.check("anything", "$2b$04$" + "a" * 53 + "$p99")
    assert len(checked) == 4
    assert checked[0].startswith(b"$2b$04$")
    hashes.close()


async def test_an_older_cost_or_pepper_is_outdated() -> None:
    older = PasswordHashes(RING, cost=4)
    stored = await older.make("x" * 12)
    assert not older.is_outdated(stored)
    assert PasswordHashes(RING, cost=5).is_outdated(stored)
    newer = PasswordHashes(Keyring({8: os.urandom(32), 7: PEPPER}), cost=4)
    assert newer.is_outdated(stored)
    assert await newer.check("x" * 12, stored)
    for hashes in (older, newer):
        hashes.close()


async def test_more_than_the_queue_holds_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = PasswordHashes(RING, cost=6)
    threads = max(1, (os.cpu_count() or 1) - 1)
    asked = threads + 16 + 20
    answers = await asyncio.gather(*(hashes.make("x" * 12) for _ in range(asked)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, UnavailableError)]
    made = [answer for answer in answers if isinstance(answer, str)]
    assert len(made) == threads + 16
    assert len(refused) == 20
    assert {(error.code, error.retry_after) for error in refused} == {("auth.busy", 5)}
    hashes.close()


def test_a_weaker_hash_starts_in_tests_only() -> None:
    env = environment(database_url="postgresql://a:b@127.0.0.1:1/x", redis_url="redis://127.0.0.1:1")
    env |= {"SMTP_URL": "smtps://mail.example.org", "MAIL_FROM": "mail@example.org"}
    for name in ("production", "development"):
        with pytest.raises(ValueError, match="cost 14"):
            create_app(load(ApiSettings, env | {"ASTERO_ENV": name}), bcrypt_cost=13)
