"""Whoever registers an address is not told whether it has an account; its owner is."""

import json

import httpx
import pytest
from support.api import PASSWORD, browser, log_in, register
from support.mail import MailSandbox, token_of
from support.office import Office

from astero_api.web.edge import Edge

ANA = "ana@example.com"


async def test_an_address_is_verified_by_the_link_of_its_letter_once(
    client: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    await register(client)
    await log_in(client)
    assert (await client.get("/api/auth/me")).json()["emailVerified"] is False
    await office.work()
    (letter,) = mail.messages(ANA)
    body = {"token": token_of(letter)}
    assert (await client.post("/api/auth/email/verify", json=body)).status_code == 204
    assert (await client.get("/api/auth/me")).json()["emailVerified"] is True
    again = await client.post("/api/auth/email/verify", json=body)
    assert (again.status_code, again.json()["code"]) == (410, "accounts.link_invalid")


async def test_a_letter_confirms_an_account_only_for_who_can_sign_in_to_it(
    api: Edge, client: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    """Whoever opened it with somebody else's address is not helped by that somebody's click."""
    await register(client)
    await log_in(client)
    await office.work()
    body = {"token": token_of(mail.messages(ANA)[0])}
    async with browser(api, address="198.51.100.1") as owner:
        unknown = await owner.post("/api/auth/email/verify", json=body)
        assert (unknown.status_code, unknown.json()["code"]) == (401, "auth.unauthenticated")
        await register(owner, "bea@example.com")
        await log_in(owner, "bea@example.com")
        another = await owner.post("/api/auth/email/verify", json=body)
        assert (another.status_code, another.json()["code"]) == (403, "accounts.link_of_another")
    assert office.rows("SELECT DISTINCT email_verified_at FROM users") == [(None,)]
    assert (await client.post("/api/auth/email/verify", json=body)).status_code == 204, "not used up"


async def test_a_known_and_an_unknown_address_are_answered_alike(
    client: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    await register(client)
    await office.work()
    mail.clear()
    answers = [
        await client.post(
            "/api/auth/register", json={"email": email, "password": "other-words-than-before", "locale": "fr"}
        )
        for email in (ANA, "new@example.com")
    ]
    assert {answer.status_code for answer in answers} == {202}
    assert answers[0].content == answers[1].content
    await office.work()
    subjects = {message["to"][0]: message["subject"] for message in mail.messages()}
    assert subjects == {
        ANA: "You have an account already",
        "new@example.com": "Confirmez votre adresse",
    }
    await log_in(client)


async def test_nobody_is_flooded_through_registrations(
    api: Edge, client: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    await register(client)
    for number in range(5):
        async with browser(api, address=f"198.51.100.{number}") as other:
            await register(other)
    await office.work()
    subjects = [message["subject"] for message in mail.messages(ANA)]
    assert sorted(subjects) == ["Confirm your address"] + ["You have an account already"] * 3


async def test_a_newer_letter_ends_the_older_and_three_are_enough(
    api: Edge, client: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    await register(client)
    await log_in(client)
    for _ in range(3):
        assert (await client.post("/api/auth/email/resend")).status_code == 202
    await office.work()
    newest, *older = [token_of(message) for message in mail.messages(ANA)]
    assert len(older) == 2
    for token in older:
        assert (await client.post("/api/auth/email/verify", json={"token": token})).status_code == 410
    assert (await client.post("/api/auth/email/verify", json={"token": newest})).status_code == 204
    assert (await client.post("/api/auth/email/resend")).status_code == 202
    await office.work()
    assert len(mail.messages(ANA)) == 3


async def test_after_six_hours_another_letter_is_written(
    client: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    await register(client)
    await log_in(client)
    for _ in range(3):
        await client.post("/api/auth/email/resend")
    office.change("UPDATE account_tokens SET created_at = created_at - interval '6 hours'")
    await client.post("/api/auth/email/resend")
    await office.work()
    assert len(mail.messages(ANA)) == 4


@pytest.mark.parametrize(
    ("email", "arrives_at"),
    [
        ("ana@exämple.example", "ana@xn--exmple-cua.example"),
        ("änä@example.com", "änä@example.com"),
        ("o'neil+a/b=c@example.com", "o'neil+a/b=c@example.com"),
        ("Ana.%0d%0aBcc@example.com", "Ana.%0d%0aBcc@example.com"),
    ],
)
async def test_unusual_addresses_get_their_letter(
    client: httpx.AsyncClient, office: Office, mail: MailSandbox, email: str, arrives_at: str
) -> None:
    await register(client, email)
    await office.work()
    (letter,) = mail.messages()
    assert letter["to"] == [arrives_at]
    assert {name for name, _ in letter["headers"]}.isdisjoint({"Bcc", "Cc"})


@pytest.mark.parametrize(
    "email",
    ["a\r\nBcc: x@evil.example@example.com", "a@example.com\nx", "a@exam\u2028ple.com", "a b@example.com"],
)
async def test_an_address_with_a_line_in_it_is_none(client: httpx.AsyncClient, email: str) -> None:
    answer = await client.post("/api/auth/register", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 422


async def test_hostile_tokens_are_refused(client: httpx.AsyncClient) -> None:
    await register(client)
    await log_in(client)
    for path in ("email/verify", "email/change"):
        for token in ("", "\x00", "\ud800", "é", "x" * 129, "x" * 128, " ", "' OR 1=1 --"):
            # escaped, so that half a character travels too
            answer = await client.post(
                f"/api/auth/{path}",
                content=json.dumps({"token": token}),
                headers={"Content-Type": "application/json"},
            )
            assert answer.status_code in {400, 410, 422}, (path, token)
