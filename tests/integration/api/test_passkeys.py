"""Passkeys: making, naming and removing them."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from support.api import browser, log_in, register
from support.mfa import actions, run
from support.passkeys import ATTESTED, PRESENT, VERIFIED, Key, add_key, options, raw
from support.stack import Database

from astero_api.web.edge import Edge

BEGIN, PATH = "/api/auth/passkeys/options", "/api/auth/passkeys"


@pytest.fixture
async def ana(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await register(client)
    await log_in(client)
    return client


async def test_the_options_ask_for_what_we_check(ana: httpx.AsyncClient) -> None:
    asked = await options(ana, BEGIN)
    assert asked["rp"] == {"id": "astero.test", "name": "Astero"}
    assert len(raw(asked["challenge"])) == 32
    assert len(raw(asked["user"]["id"])) == 64
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["attestation"] == "none"
    again = await options(ana, BEGIN)
    assert again["challenge"] != asked["challenge"]
    assert again["user"]["id"] != asked["user"]["id"]


async def test_a_passkey_is_made_named_and_removed_with_the_other_sessions(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    before = run(database, "SELECT count(*) FROM mails")[0][0]
    key, passkey_id = await add_key(ana, "Phone")
    (shown,) = (await ana.get(PATH)).json()["items"]
    assert (shown["id"], shown["name"], shown["lastUsedAt"]) == (passkey_id, "Phone", None)
    second = await options(ana, BEGIN)
    assert raw(second["user"]["id"]) == key.handle
    assert [raw(one["id"]) for one in second["excludeCredentials"]] == [key.id]
    assert second["excludeCredentials"][0]["transports"] == ["internal"]
    renamed = await ana.patch(f"{PATH}/{passkey_id}", json={"name": "Téléphone"})
    assert renamed.json()["name"] == "Téléphone"
    async with browser(api, address="198.51.100.2") as lost:
        await log_in(lost)
        before += 1  # a new device
        assert (await ana.delete(f"{PATH}/{passkey_id}")).status_code == 204
        assert (await lost.get("/api/auth/me")).status_code == 401
    assert (await ana.get(PATH)).json()["items"] == []
    assert (await ana.delete(f"{PATH}/{passkey_id}")).status_code == 404
    told = [action for action in actions(database) if action.startswith("passkey:")]
    assert told == [f"passkey:passkey:{what}" for what in ("added", "renamed", "removed")]
    # one told of the new passkey, one of its end
    assert run(database, "SELECT count(*) FROM mails") == [(before + 2,)]


async def test_another_users_passkey_is_not_there(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    _, passkey_id = await add_key(ana)
    async with browser(api, address="198.51.100.2") as eve:
        await register(eve, "eve@example.com")
        await log_in(eve, "eve@example.com")
        assert (await eve.get(PATH)).json()["items"] == []
        assert (await eve.delete(f"{PATH}/{passkey_id}")).status_code == 404
        assert (await eve.patch(f"{PATH}/{passkey_id}", json={"name": "Mine"})).status_code == 404
        assert (await eve.delete(f"{PATH}/{UUID(int=3)}")).status_code == 404
    assert run(database, "SELECT name FROM passkeys") == [("Phone",)]


async def test_one_credential_belongs_to_one_account(ana: httpx.AsyncClient, api: Edge) -> None:
    key, _ = await add_key(ana)
    async with browser(api, address="198.51.100.2") as eve:
        await register(eve, "eve@example.com")
        await log_in(eve, "eve@example.com")
        credential = key.create(await options(eve, BEGIN))
        answer = await eve.post(PATH, json={"name": "Hers", "credential": credential})
        assert (answer.status_code, answer.json()["code"]) == (409, "passkeys.known")
        assert (await eve.get(PATH)).json()["items"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://astero.test.evil.example"},
        {"origin": "https://evil-astero.test"},
        {"origin": "https://sub.astero.test"},
        {"origin": "https://astero.test:8443"},
        {"origin": "http://astero.test"},
        {"origin": "https://astero.test/"},
        {"host": "test"},
        {"host": "sub.astero.test"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"flags": 0},
        {"fmt": "android-safetynet"},
        {"fmt": "tpm"},
        {"fmt": "fido-u2f"},
        {"fmt": "nonsense"},
    ],
    ids=str,
)
async def test_what_is_not_exactly_right_makes_no_passkey(
    ana: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    key = Key()
    credential = key.create(await options(ana, BEGIN), **change)
    answer = await ana.post(PATH, json={"name": "Phone", "credential": credential})
    assert (answer.status_code, answer.json()["code"]) == (401, "passkeys.refused")
    assert (await ana.get(PATH)).json()["items"] == []


async def test_a_challenge_makes_one_passkey_for_the_session_that_asked(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    asked = await options(ana, BEGIN)
    async with browser(api, address="198.51.100.2") as phone:
        await log_in(phone)
        answer = await phone.post(PATH, json={"name": "x", "credential": Key().create(asked)})
        assert answer.status_code == 401
    first = await ana.post(PATH, json={"name": "x", "credential": Key().create(asked)})
    assert first.status_code == 201
    second = await ana.post(PATH, json={"name": "y", "credential": Key().create(asked)})
    assert second.status_code == 401
    late = await options(ana, BEGIN)
    run(database, "UPDATE passkey_challenges SET expires_at = now() - interval '1 second'")
    answer = await ana.post(PATH, json={"name": "z", "credential": Key().create(late)})
    assert answer.status_code == 401
    made_up = late | {"challenge": "A" * 43}
    answer = await ana.post(PATH, json={"name": "z", "credential": Key().create(made_up)})
    assert answer.status_code == 401


async def test_a_refused_credential_has_used_its_challenge_up(ana: httpx.AsyncClient) -> None:
    asked = await options(ana, BEGIN)
    wrong = Key().create(asked, origin="https://evil.example")
    assert (await ana.post(PATH, json={"name": "x", "credential": wrong})).status_code == 401
    right = Key().create(asked)
    assert (await ana.post(PATH, json={"name": "x", "credential": right})).status_code == 401


async def test_hostile_bytes_are_refused(ana: httpx.AsyncClient) -> None:
    hostile = ("AA", "____", "A" * 4096, "o2NmbXRkbm9uZQ", "gICA", "v2NmbXQ", "9g", "_w", "f39_f38")
    for field in ("attestationObject", "clientDataJSON"):
        for value in hostile:
            credential = Key().create(await options(ana, BEGIN))
            credential["response"][field] = value
            answer = await ana.post(PATH, json={"name": "x", "credential": credential})
            assert answer.status_code == 401, (field, value)
    for field, value in (("rawId", "AA"), ("id", "AA"), ("rawId", "A"), ("id", "=")):
        credential = Key().create(await options(ana, BEGIN)) | {field: value}
        answer = await ana.post(PATH, json={"name": "x", "credential": credential})
        assert answer.status_code in {401, 422}, (field, value)
    assert (await ana.get(PATH)).json()["items"] == []


@pytest.mark.parametrize("cut", [0, 36, 38, 53, 55, 60, 100])
async def test_authenticator_data_that_ends_early_is_refused(ana: httpx.AsyncClient, cut: int) -> None:
    class Short(Key):
        def _data(self, flags: int, host: str) -> bytes:
            return (super()._data(flags, host) + bytes(100))[:cut]

    credential = Short().create(await options(ana, BEGIN))
    answer = await ana.post(PATH, json={"name": "x", "credential": credential})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "name", ["", "x" * 81, "a\nb", "\x7f"], ids=["empty", "long", "line break", "control"]
)
async def test_a_name_is_a_short_line(ana: httpx.AsyncClient, name: str) -> None:
    credential = Key().create(await options(ana, BEGIN))
    answer = await ana.post(PATH, json={"name": name, "credential": credential})
    assert answer.status_code == 422


async def test_twenty_are_the_most(ana: httpx.AsyncClient, database: Database) -> None:
    await add_key(ana)
    asked = await options(ana, BEGIN)
    run(
        database,
        "INSERT INTO passkeys SELECT gen_random_uuid(), user_id, sha256(n::text::bytea), public_key,"
        " user_handle, 1, '{}', false, 'x', now() FROM passkeys, generate_series(1, 19) n",
    )
    full = await ana.post(PATH, json={"name": "x", "credential": Key().create(asked)})
    assert (full.status_code, full.json()["code"]) == (409, "passkeys.too_many")
    assert (await ana.post(BEGIN)).status_code == 409


async def test_changes_ask_for_a_recent_proof(ana: httpx.AsyncClient, database: Database) -> None:
    _, passkey_id = await add_key(ana)
    credential = Key().create(await options(ana, BEGIN), flags=PRESENT | VERIFIED | ATTESTED)
    run(database, "UPDATE sessions SET authenticated_at = now() - interval '301 seconds'")
    one = f"{PATH}/{passkey_id}"
    for answer in (
        await ana.post(BEGIN),
        await ana.post(PATH, json={"name": "x", "credential": credential}),
        await ana.patch(one, json={"name": "x"}),
        await ana.delete(one),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.reauthentication_required")
    assert run(database, "SELECT name FROM passkeys") == [("Phone",)]


async def test_the_last_way_in_stays(ana: httpx.AsyncClient, database: Database) -> None:
    _, first = await add_key(ana)
    _, second = await add_key(ana, "Key ring")
    run(database, "UPDATE users SET password_hash = NULL")
    assert (await ana.delete(f"{PATH}/{first}")).status_code == 204
    kept = await ana.delete(f"{PATH}/{second}")
    assert (kept.status_code, kept.json()["code"]) == (409, "accounts.last_way_in")
    assert [one["id"] for one in (await ana.get(PATH)).json()["items"]] == [second]
