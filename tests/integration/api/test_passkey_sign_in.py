"""What a passkey opens: a sign-in without a name, a second step, a proof that it is still you."""

import asyncio
from typing import Any

import httpx
import pytest
from support.api import browser, log_in, register, running_api
from support.mfa import MFA, actions, enable, first_step, run
from support.passkeys import PRESENT, VERIFIED, Key, add_key, options, text
from support.stack import Database

from astero_api.web.edge import Edge

BEGIN, SIGN_IN = "/api/auth/passkeys/sign-in/options", "/api/auth/passkeys/sign-in"
AT, RT = "__Host-astero_at", "__Host-astero_rt"


@pytest.fixture
async def ana(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await register(client)
    await log_in(client)
    return client


async def sign_in(client: httpx.AsyncClient, key: Key, **change: Any) -> httpx.Response:
    return await client.post(SIGN_IN, json={"credential": key.get(await options(client, BEGIN), **change)})


async def test_a_passkey_signs_in_without_a_name_and_is_both_factors(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    key, _ = await add_key(ana)
    await enable(ana, database)
    async with browser(api, address="198.51.100.2") as phone:
        asked = await options(phone, BEGIN)
        assert asked["userVerification"] == "required"
        assert asked["rpId"] == "astero.test"
        assert not asked.get("allowCredentials")
        answer = await sign_in(phone, key)
        assert answer.status_code == 200
        assert answer.json()["email"] == "ana@example.com"
        assert {AT, RT} == set(phone.cookies)
        assert (await phone.get("/api/auth/me")).status_code == 200
        # a sign-in is a proof
        assert (await phone.post("/api/auth/mfa/disable")).status_code == 204
    assert run(database, "SELECT amr FROM sessions WHERE revoked_at IS NULL ORDER BY id DESC LIMIT 1") == [
        (["pop", "mfa"],)
    ]
    assert run(database, "SELECT sign_count, last_used_at IS NOT NULL FROM passkeys") == [(2, True)]


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://astero.test.evil.example"},
        {"origin": "https://sub.astero.test"},
        {"origin": "https://astero.test:444"},
        {"origin": "http://astero.test"},
        {"host": "test"},
        {"host": "evil.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"kind": "webauthn.create"},
        {"kind": "payment.get"},
    ],
    ids=str,
)
async def test_what_is_not_exactly_right_opens_nothing(
    ana: httpx.AsyncClient, api: Edge, change: dict[str, Any]
) -> None:
    key, _ = await add_key(ana)
    async with browser(api, address="198.51.100.2") as phone:
        answer = await sign_in(phone, key, **change)
        assert (answer.status_code, answer.json()["code"]) == (401, "passkeys.refused")
        assert not phone.cookies
        assert (await sign_in(phone, key)).status_code == 200


async def test_every_refusal_has_the_same_bytes(ana: httpx.AsyncClient, api: Edge) -> None:
    key, _ = await add_key(ana)
    stranger = Key()
    stranger.handle = key.handle
    async with browser(api, address="198.51.100.2") as phone:

        async def altered(**response: str | None) -> dict[str, Any]:
            credential = key.get(await options(phone, BEGIN))
            credential["response"] |= response
            return credential

        forged = key.get(await options(phone, BEGIN)) | {"id": text(stranger.id), "rawId": text(stranger.id)}
        mixed = key.get(await options(phone, BEGIN)) | {"id": text(stranger.id)}
        bodies: set[str] = set()
        for credential in (
            stranger.get(await options(phone, BEGIN)),
            forged,
            mixed,
            await altered(userHandle=text(b"x" * 64)),
            await altered(userHandle=None),
            await altered(signature="AAAA"),
            await altered(authenticatorData="AAAA"),
            await altered(clientDataJSON="AAAA"),
            await altered(clientDataJSON=text(b'{"challenge": 7}')),
            await altered(clientDataJSON=text(b"[]")),
        ):
            answer = await phone.post(SIGN_IN, json={"credential": credential})
            assert answer.status_code == 401, answer.text
            body = answer.json()
            del body["requestId"]
            bodies.add(str(body))
        assert len(bodies) == 1


async def test_an_answer_works_once_over_all_processes(
    ana: httpx.AsyncClient, api_environment: dict[str, str], database: Database
) -> None:
    key, _ = await add_key(ana)
    run(database, "UPDATE passkeys SET sign_count = 0")
    key.count = 0
    async with (
        running_api(api_environment) as one,
        running_api(api_environment) as two,
        browser(one, address="198.51.100.1") as a,
        browser(two, address="198.51.100.2") as b,
    ):
        body = {"credential": key.get(await options(a, BEGIN), counts=False)}
        answers = await asyncio.gather(*(who.post(SIGN_IN, json=body) for who in (a, b, a, b)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


async def test_a_refused_answer_has_used_its_challenge_up(ana: httpx.AsyncClient, api: Edge) -> None:
    key, _ = await add_key(ana)
    async with browser(api, address="198.51.100.2") as phone:
        asked = await options(phone, BEGIN)
        wrong = key.get(asked, flags=PRESENT)
        assert (await phone.post(SIGN_IN, json={"credential": wrong})).status_code == 401
        assert (await phone.post(SIGN_IN, json={"credential": key.get(asked)})).status_code == 401


async def test_a_challenge_lasts_five_minutes_and_is_for_one_purpose(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    key, _ = await add_key(ana)
    for path in ("/api/auth/passkeys/options", "/api/auth/reauthenticate/options"):
        asked = await options(ana, path)
        assert (await ana.post(SIGN_IN, json={"credential": key.get(asked)})).status_code == 401
    asked = await options(ana, BEGIN)
    answer = await ana.post("/api/auth/reauthenticate", json={"passkey": key.get(asked)})
    assert answer.status_code == 401
    late = await options(ana, BEGIN)
    run(database, "UPDATE passkey_challenges SET expires_at = now() - interval '1 second'")
    assert (await ana.post(SIGN_IN, json={"credential": key.get(late)})).status_code == 401


async def test_a_count_that_does_not_rise_is_refused_and_told(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    key, passkey_id = await add_key(ana)
    async with browser(api, address="198.51.100.2") as phone:
        assert (await sign_in(phone, key)).status_code == 200
        await phone.post("/api/auth/logout")
        letters = run(database, "SELECT count(*) FROM mails")[0][0]
        for count in (key.count, 1, 0):
            key.count = count
            answer = await sign_in(phone, key, counts=False)
            assert (answer.status_code, answer.json()["code"]) == (401, "passkeys.refused")
            assert not phone.cookies
    assert actions(database).count("passkey:passkey:copied") == 3
    assert run(database, "SELECT count(*) FROM mails") == [(letters + 3,)]
    assert run(database, "SELECT sign_count FROM passkeys WHERE id = %s", passkey_id) == [(2,)]


async def test_a_key_that_never_counts_goes_on(ana: httpx.AsyncClient, api: Edge, database: Database) -> None:
    key, _ = await add_key(ana)
    run(database, "UPDATE passkeys SET sign_count = 0")
    key.count = 0
    async with browser(api, address="198.51.100.2") as phone:
        for _ in range(2):
            assert (await sign_in(phone, key, counts=False)).status_code == 200
    assert "passkey:passkey:copied" not in actions(database)


@pytest.mark.parametrize(
    "change", ["UPDATE users SET status = 'suspended'", "DELETE FROM passkeys"], ids=["suspended", "removed"]
)
async def test_what_was_taken_away_opens_nothing(
    ana: httpx.AsyncClient, api: Edge, database: Database, change: str
) -> None:
    key, _ = await add_key(ana)
    run(database, change)
    async with browser(api, address="198.51.100.2") as phone:
        answer = await sign_in(phone, key)
        assert (answer.status_code, answer.json()["code"]) == (401, "passkeys.refused")


async def test_signing_in_ends_the_session_the_browser_had(ana: httpx.AsyncClient) -> None:
    key, _ = await add_key(ana)
    before = (await ana.get("/api/auth/sessions")).json()["items"][0]["id"]
    assert (await sign_in(ana, key)).status_code == 200
    (now,) = (await ana.get("/api/auth/sessions")).json()["items"]
    assert now["id"] != before


async def test_a_passkey_is_a_second_step(ana: httpx.AsyncClient, api: Edge, database: Database) -> None:
    key, _ = await add_key(ana)
    await enable(ana, database)
    async with (
        browser(api, address="198.51.100.2") as phone,
        browser(api, address="198.51.100.3") as eve,
    ):
        await register(eve, "eve@example.com")
        await log_in(eve, "eve@example.com")
        hers, _ = await add_key(eve)
        assert (await first_step(phone))["methods"] == ["passkey", "totp", "recovery_code"]
        asked = await options(phone, "/api/auth/mfa/passkey-options")
        assert [one["id"] for one in asked["allowCredentials"]] == [text(key.id)]
        wrong = await phone.post("/api/auth/mfa/verify", json={"passkey": hers.get(asked)})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "passkeys.refused")
        asked = await options(phone, "/api/auth/mfa/passkey-options")
        right = await phone.post("/api/auth/mfa/verify", json={"passkey": key.get(asked)})
        assert right.status_code == 200
        assert MFA not in phone.cookies
        assert (await phone.get("/api/auth/me")).status_code == 200
    assert run(database, "SELECT attempts FROM pending_logins") == [(2,)]


async def test_the_challenge_of_another_login_finishes_nothing(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    key, _ = await add_key(ana)
    await enable(ana, database)
    async with (
        browser(api, address="198.51.100.2") as one,
        browser(api, address="198.51.100.3") as two,
    ):
        await first_step(one)
        await first_step(two)
        asked = await options(one, "/api/auth/mfa/passkey-options")
        answer = await two.post("/api/auth/mfa/verify", json={"passkey": key.get(asked)})
        assert answer.status_code == 401
        assert (await one.post("/api/auth/mfa/verify", json={"passkey": key.get(asked)})).status_code == 200


async def test_a_passkey_proves_that_it_is_still_you(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    key, _ = await add_key(ana)
    await enable(ana, database)
    run(database, "UPDATE sessions SET authenticated_at = now() - interval '301 seconds'")
    asked = await options(ana, "/api/auth/reauthenticate/options")
    async with browser(api, address="198.51.100.3") as eve:
        await register(eve, "eve@example.com")
        await log_in(eve, "eve@example.com")
        hers, _ = await add_key(eve)
    answer = await ana.post("/api/auth/reauthenticate", json={"passkey": hers.get(asked)})
    assert (answer.status_code, answer.json()["code"]) == (401, "passkeys.refused")
    asked = await options(ana, "/api/auth/reauthenticate/options")
    copied = await ana.post("/api/auth/reauthenticate", json={"passkey": key.get(asked, counts=False)})
    assert copied.status_code == 401
    assert "passkey:passkey:copied" in actions(database)
    assert (await ana.post("/api/auth/mfa/disable")).status_code == 403
    asked = await options(ana, "/api/auth/reauthenticate/options")
    answer = await ana.post("/api/auth/reauthenticate", json={"passkey": key.get(asked)})
    assert answer.status_code == 204
    assert (await ana.post("/api/auth/mfa/disable")).status_code == 204


async def test_guesses_are_counted_by_address(api: Edge, ana: httpx.AsyncClient) -> None:
    async with browser(api, address="198.51.100.44") as thief:
        for _ in range(10):
            assert (await sign_in(thief, Key())).status_code == 401
        assert (await sign_in(thief, Key())).status_code == 429
