"""A forgotten password is replaced by a link in a letter, a known one by itself; both end other sessions."""

import asyncio
import json
from datetime import timedelta

import httpx
import pytest
from support.api import PASSWORD, browser, log_in, register, running_api
from support.mail import MailSandbox, token_of
from support.office import Office

from astero_api.features.accounts.links import _hash
from astero_api.web.edge import Edge
from astero_shared.db.session import reading, transaction
from astero_shared.features.accounts.store import claim_account_token, find_account_token

ANA = "ana@example.com"
NEW = "another-set-of-words"


async def forget(client: httpx.AsyncClient, email: str = ANA) -> httpx.Response:
    answer = await client.post("/api/auth/password/forgot", json={"email": email})
    assert answer.status_code == 202
    return answer


async def reset_token(client: httpx.AsyncClient, office: Office, mail: MailSandbox) -> str:
    await forget(client)
    await office.work()
    return token_of(mail.messages(ANA)[0])


async def reset(client: httpx.AsyncClient, token: str, password: str = NEW) -> int:
    body = {"token": token, "password": password}
    return (await client.post("/api/auth/password/reset", json=body)).status_code


async def login(client: httpx.AsyncClient, password: str) -> int:
    answer = await client.post("/api/auth/login", json={"email": ANA, "password": password})
    return answer.status_code


@pytest.fixture
async def ana(client: httpx.AsyncClient, office: Office, mail: MailSandbox) -> httpx.AsyncClient:
    await register(client)
    await log_in(client)
    await office.work()
    mail.clear()
    return client


async def test_a_new_password_ends_every_session_and_signs_nobody_in(
    api: Edge, ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    async with browser(api, address="198.51.100.1") as anybody:
        token = await reset_token(anybody, office, mail)
        assert await reset(anybody, token) == 204
        assert not anybody.cookies
        assert (await ana.get("/api/auth/me")).status_code == 401
        assert await login(anybody, PASSWORD) == 401
        assert await login(anybody, NEW) == 200
        assert (await anybody.get("/api/auth/me")).json()["emailVerified"] is True
    await office.work()
    assert "Your password was changed" in [message["subject"] for message in mail.messages(ANA)]
    actions = [row[0] for row in office.rows("SELECT action FROM audit_entries")]
    assert {"account:password:reset_asked", "account:password:reset"} <= set(actions)


async def test_who_resets_it_may_log_in_there_while_strangers_guess(
    api: Edge, ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    for number in range(10):
        async with browser(api, address=f"192.0.2.{number}") as stranger:
            assert await login(stranger, "wrong and long") == 401
    async with browser(api, address="198.51.100.1") as abroad:
        assert await login(abroad, PASSWORD) == 429
        assert await reset(abroad, await reset_token(abroad, office, mail)) == 204
        assert await login(abroad, NEW) == 200
    async with browser(api, address="192.0.2.99") as stranger:
        assert await login(stranger, NEW) == 429


@pytest.mark.parametrize("verified", [True, False])
async def test_whoever_opened_the_account_with_a_strangers_address_has_no_way_in_left(
    api: Edge, ana: httpx.AsyncClient, office: Office, mail: MailSandbox, verified: bool
) -> None:
    if verified:
        office.change("UPDATE users SET email_verified_at = now()")
    office.change(
        "INSERT INTO discord_accounts (user_id, discord_user_id, username, access_ciphertext,"
        " refresh_ciphertext, access_expires_at, connected_at)"
        " SELECT id, 1, 'eve', decode('01' || repeat('00', 40), 'hex'),"
        " decode('01' || repeat('00', 40), 'hex'), now(), now() FROM users"
    )
    office.change(
        "INSERT INTO passkeys (id, user_id, credential_id, public_key, user_handle, sign_count, transports,"
        " backed_up, name, created_at)"
        " SELECT gen_random_uuid(), id, decode(repeat('01', 16), 'hex'), decode('01', 'hex'),"
        " decode(repeat('02', 64), 'hex'), 0, '{}', false, 'Eve', now() FROM users"
    )
    office.change(
        "INSERT INTO totp_seeds (user_id, ciphertext, created_at, confirmed_at, last_step)"
        " SELECT id, decode('01' || repeat('00', 40), 'hex'), now(), now(), 0 FROM users"
    )
    token = await reset_token(ana, office, mail)
    assert await reset(ana, token) == 204
    assert (
        office.rows("SELECT user_id FROM discord_accounts")
        == office.rows("SELECT user_id FROM passkeys")
        == office.rows("SELECT user_id FROM totp_seeds")
        == (office.rows("SELECT id FROM users") if verified else [])
    )
    async with browser(api, address="198.51.100.1") as owner:
        assert await login(owner, NEW) == 200
        assert ((await owner.get("/api/auth/me")).status_code == 200) is not verified


async def test_known_and_unknown_are_answered_alike_and_cost_the_same_writes(
    api: Edge, ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    office.change("UPDATE users SET status = 'suspended'")
    async with browser(api, address="198.51.100.1") as anybody:
        suspended = await forget(anybody)
        office.change("UPDATE users SET status = 'active'")
        known, unknown = await forget(anybody), await forget(anybody, "nobody@example.com")
        nonsense = await forget(anybody, "no address at all")
    assert known.content == unknown.content == suspended.content == nonsense.content
    written = "SELECT task_name, args - 'mail_id' FROM procrastinate_jobs WHERE status = 'todo'"
    assert office.rows(written) == [("accounts.answer_forgotten", {})] * 4
    sizes = office.rows("SELECT octet_length(letter) FROM mails ORDER BY queued_at")
    assert office.rows("SELECT count(*) FROM account_tokens WHERE purpose = 'reset'") == [(0,)]
    assert len(sizes) == 4
    await office.work()
    assert [message["to"] for message in mail.messages()] == [[ANA]] * 2
    assert office.waiting == 0


async def test_one_token_asked_twice_at_once_works_once(
    api: Edge, ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    token = await reset_token(ana, office, mail)
    async with browser(api, address="198.51.100.1") as one, browser(api, address="198.51.100.2") as two:
        statuses = await asyncio.gather(
            reset(one, token, "the-first-of-two-words"), reset(two, token, "the-second-of-two-words")
        )
        assert sorted(statuses) == [204, 410]
        winner = ("the-first-of-two-words", "the-second-of-two-words")[statuses.index(204)]
        assert await login(one, winner) == 200


async def test_a_refused_password_leaves_the_link_good(
    ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    token = await reset_token(ana, office, mail)
    for weak in ("short", "password1234", "ana@example.com"):
        assert await reset(ana, token, weak) == 422
    assert await reset(ana, token) == 204
    assert await reset(ana, token) == 410


async def test_a_newer_link_ends_the_older_and_a_change_ends_both(
    ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    older = await reset_token(ana, office, mail)
    newer = await reset_token(ana, office, mail)
    assert await reset(ana, older) == 410
    body = {"currentPassword": PASSWORD, "password": NEW}
    assert (await ana.post("/api/auth/password/change", json=body)).status_code == 204
    assert await reset(ana, newer, "yet-another-set-of-words") == 410


async def test_a_link_ends_at_its_minute(ana: httpx.AsyncClient, office: Office, mail: MailSandbox) -> None:
    token = await reset_token(ana, office, mail)
    ((ends, made),) = office.rows("SELECT expires_at, created_at FROM account_tokens WHERE purpose = 'reset'")
    assert ends - made == timedelta(minutes=30)
    hair = timedelta(microseconds=1)
    async with reading(office.engine) as session:
        found = await find_account_token(session, "reset", _hash(token), now=ends - hair)
        assert found is not None
        assert await find_account_token(session, "reset", _hash(token), now=ends) is None
        assert await find_account_token(session, "verify", _hash(token), now=ends - hair) is None
    async with transaction(office.engine) as session:
        assert not await claim_account_token(session, found.id, now=ends)
        assert await claim_account_token(session, found.id, now=ends - hair)
        assert not await claim_account_token(session, found.id, now=ends - hair)


async def test_only_a_hash_of_the_token_is_stored(
    ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    token = await reset_token(ana, office, mail)
    assert len(token) == 43
    stored = office.rows("SELECT t::text FROM account_tokens t") + office.rows(
        "SELECT args::text FROM procrastinate_jobs"
    )
    assert not [row for row in stored if token in row[0] or token.encode().hex() in row[0]]


async def test_an_account_gets_three_letters_in_six_hours_whoever_asks(
    api: Edge, ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    for number in range(4):
        async with browser(api, address=f"198.51.100.{number}") as anybody:
            await forget(anybody)
    await office.work()
    assert len(mail.messages(ANA)) == 3
    office.change("UPDATE account_tokens SET created_at = created_at - interval '6 hours'")
    await forget(ana)
    await office.work()
    assert len(mail.messages(ANA)) == 4


async def test_an_address_asks_five_times_a_day(api: Edge, office: Office) -> None:
    async with browser(api) as anybody:
        for number in range(5):
            await forget(anybody, f"somebody{number}@example.com")
        refused = await anybody.post("/api/auth/password/forgot", json={"email": ANA})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 86_400


async def test_changing_it_keeps_this_session_alone(
    api: Edge, ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    async with browser(api, address="198.51.100.1") as elsewhere:
        await log_in(elsewhere)
        wrong = {"currentPassword": "not-the-one-at-all", "password": NEW}
        refused = await ana.post("/api/auth/password/change", json=wrong)
        assert (refused.status_code, refused.json()["code"]) == (401, "auth.password_wrong")
        assert (await elsewhere.get("/api/auth/me")).status_code == 200
        right = {"currentPassword": PASSWORD, "password": NEW}
        assert (await ana.post("/api/auth/password/change", json=right)).status_code == 204
        assert (await ana.get("/api/auth/me")).status_code == 200
        assert (await elsewhere.get("/api/auth/me")).status_code == 401
        assert await login(elsewhere, NEW) == 200
    await office.work()
    assert "Your password was changed" in [message["subject"] for message in mail.messages(ANA)]


async def test_changing_it_asks_for_a_proof_of_now(ana: httpx.AsyncClient, office: Office) -> None:
    office.change("UPDATE sessions SET authenticated_at = authenticated_at - interval '6 minutes'")
    body = {"currentPassword": PASSWORD, "password": NEW}
    refused = await ana.post("/api/auth/password/change", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.reauthentication_required")


@pytest.mark.parametrize("token", ["", "\x00", "\ud800", "é", "x" * 129, "x" * 128, "null"])
async def test_hostile_tokens_are_refused(client: httpx.AsyncClient, token: str) -> None:
    # escaped, so that half a character travels too
    answer = await client.post(
        "/api/auth/password/reset",
        content=json.dumps({"token": token, "password": NEW}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in {400, 410, 422}


async def test_without_redis_nobody_asks(api_environment: dict[str, str]) -> None:
    away = api_environment | {"REDIS_URL": "redis://127.0.0.1:1/0"}
    async with running_api(away) as edge, browser(edge) as anybody:
        answer = await anybody.post("/api/auth/password/forgot", json={"email": ANA})
    assert answer.status_code == 503


async def test_links_are_forgotten_hours_after_they_ended(
    ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    await reset_token(ana, office, mail)
    due = (
        "INSERT INTO procrastinate_jobs (task_name, args, queue_name)"
        " VALUES ('accounts.forget_links', '{\"timestamp\": 0}', 'default')"
    )
    office.change("UPDATE account_tokens SET expires_at = now() - interval '6 hours 59 minutes'")
    office.change(due)
    await office.work()
    assert office.rows("SELECT count(*) FROM account_tokens") == [(2,)]
    office.change("UPDATE account_tokens SET expires_at = now() - interval '7 hours 1 minute'")
    office.change(due)
    await office.work()
    assert office.rows("SELECT count(*) FROM account_tokens") == [(0,)]
