"""Name and language change at once; the address when the owner of the new one has said so."""

from collections.abc import Iterator

import httpx
import pytest
from support.api import browser, log_in, register
from support.log_capture import captured_log
from support.mail import MailSandbox, token_of
from support.office import Office

from astero_api.web.edge import Edge

ANA = "ana@example.com"
NEW = "ana@elsewhere.example"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with captured_log():
        yield


@pytest.fixture
async def ana(client: httpx.AsyncClient, office: Office, mail: MailSandbox) -> httpx.AsyncClient:
    await register(client)
    await log_in(client)
    await office.work()
    mail.clear()
    return client


async def ask(client: httpx.AsyncClient, email: str = NEW) -> httpx.Response:
    return await client.patch("/api/users/me", json={"email": email})


async def test_name_and_language_change_and_what_is_left_out_stays(
    ana: httpx.AsyncClient, office: Office
) -> None:
    office.change("UPDATE sessions SET authenticated_at = authenticated_at - interval '1 hour'")
    answer = await ana.patch("/api/users/me", json={"displayName": "Ana ✿", "locale": "fr"})
    assert answer.status_code == 200
    assert (answer.json()["displayName"], answer.json()["locale"]) == ("Ana ✿", "fr")
    assert (await ana.patch("/api/users/me", json={})).json() == answer.json()
    assert (await ana.patch("/api/users/me", json={"displayName": None})).json()["displayName"] is None
    assert (await ana.get("/api/auth/me")).json()["locale"] == "fr"
    assert office.rows(
        "SELECT details->>'fields' FROM audit_entries WHERE action = 'account:user:updated' ORDER BY id"
    ) == [('["display_name", "locale"]',), ('["display_name"]',)]


@pytest.mark.parametrize(
    "change",
    [
        {"displayName": ""},
        {"displayName": "a\u202eb"},
        {"displayName": "x" * 81},
        {"locale": "de"},
        {"email": "nobody"},
        {"status": "active"},
        {"emailVerified": True},
        {"id": "x"},
    ],
)
async def test_what_cannot_be_is_refused(ana: httpx.AsyncClient, change: dict[str, object]) -> None:
    assert (await ana.patch("/api/users/me", json=change)).status_code == 422


async def test_the_address_changes_with_the_link_and_both_are_told(
    api: Edge, ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    asked = await ask(ana)
    assert asked.status_code == 200
    assert asked.json()["email"] == ANA
    await office.work()
    (letter,) = mail.messages()
    assert letter["to"] == [NEW]
    body = {"token": token_of(letter)}
    async with browser(api, address="198.51.100.1") as phone:
        # whoever reads the letter does not take an account upon them that somebody else can enter
        assert (await phone.post("/api/auth/email/change", json=body)).status_code == 401
        await log_in(phone)
        assert (await phone.post("/api/auth/email/verify", json=body)).status_code == 410
        assert (await phone.post("/api/auth/email/change", json=body)).status_code == 204
        assert (await ana.get("/api/auth/me")).status_code == 401
        await log_in(phone, NEW)
        assert (await phone.post("/api/auth/email/change", json=body)).status_code == 410
        me = (await phone.get("/api/auth/me")).json()
        assert (me["email"], me["emailVerified"]) == (NEW, True)
    await office.work()
    told = [m["to"][0] for m in mail.messages() if m["subject"] == "The address of your account was changed"]
    assert sorted(told) == sorted([ANA, NEW])
    assert NEW in mail.messages(ANA)[0]["text"]


async def test_another_address_asks_for_a_proof_of_now(ana: httpx.AsyncClient, office: Office) -> None:
    office.change("UPDATE sessions SET authenticated_at = authenticated_at - interval '6 minutes'")
    refused = await ask(ana)
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.reauthentication_required")


async def test_a_taken_address_is_told_there_and_not_here(
    api: Edge, ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    async with browser(api, address="198.51.100.1") as bea:
        await register(bea, "bea@example.com")
        await office.work()
        mail.clear()
    taken, free = await ask(ana, "Bea@example.com"), await ask(ana)
    assert taken.content == free.content
    await office.work()
    subjects = {message["to"][0]: message["subject"] for message in mail.messages()}
    assert subjects == {
        "bea@example.com": "You have an account already",
        NEW: "Confirm your new address",
    }


async def test_an_address_that_got_an_account_meanwhile_stays_theirs(
    api: Edge, ana: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    await ask(ana)
    await office.work()
    body = {"token": token_of(mail.messages(NEW)[0])}
    async with browser(api, address="198.51.100.1") as quicker:
        await register(quicker, NEW)
        await log_in(quicker, NEW)
        refused = await quicker.post("/api/auth/email/change", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "accounts.link_of_another")
    assert (await ana.post("/api/auth/email/change", json=body)).status_code == 410
    assert (await ana.get("/api/auth/me")).json()["email"] == ANA


async def test_three_letters_to_new_addresses_are_enough(ana: httpx.AsyncClient) -> None:
    for number in range(3):
        assert (await ask(ana, f"ana{number}@elsewhere.example")).status_code == 200
    refused = await ask(ana)
    assert (refused.status_code, refused.json()["code"]) == (429, "accounts.too_many_letters")
    assert refused.headers["retry-after"]


async def test_a_verification_letter_for_an_earlier_address_opens_nothing(
    api: Edge, client: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    await register(client)
    await log_in(client)
    await office.work()
    verify = {"token": token_of(mail.messages(ANA)[0])}
    await ask(client)
    await office.work()
    moved = await client.post("/api/auth/email/change", json={"token": token_of(mail.messages(NEW)[0])})
    assert moved.status_code == 204
    await log_in(client, NEW)
    assert (await client.post("/api/auth/email/verify", json=verify)).status_code == 410
