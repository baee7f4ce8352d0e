"""People hear of sign-ins that are new to their account, and of a session that somebody copied."""

import httpx
import psycopg
import pytest
from support.api import PASSWORD, browser, log_in, register
from support.mail import MailSandbox
from support.office import Office
from support.stack import Database

from astero_api.web.edge import Edge

ANA = "ana@example.com"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEWER_FIREFOX = FIREFOX.replace("140", "141")
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.0 Mobile/15E148 Safari/604.1"
)
NEW_DEVICE = "A new device has signed in"


async def sign_in(api: Edge, agent: str, address: str) -> None:
    async with browser(api, address=address) as client:
        answer = await client.post(
            "/api/auth/login",
            json={"email": ANA, "password": PASSWORD},
            headers={"User-Agent": agent},
        )
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("agent", "address", "told"),
    [
        (FIREFOX, "203.0.113.7", False),
        (NEWER_FIREFOX, "203.0.113.200", False),
        (SAFARI, "203.0.113.7", True),
        (FIREFOX, "203.0.114.7", True),
        (FIREFOX, "2001:db8::1", True),
    ],
)
async def test_a_sign_in_from_elsewhere_is_told_once(
    api: Edge,
    client: httpx.AsyncClient,
    office: Office,
    mail: MailSandbox,
    agent: str,
    address: str,
    told: bool,
) -> None:
    await register(client)
    await sign_in(api, FIREFOX, "203.0.113.7")
    for _ in range(2):
        await sign_in(api, agent, address)
    await office.work()
    letters = [message for message in mail.messages(ANA) if message["subject"] == NEW_DEVICE]
    assert len(letters) == told


async def test_the_letter_says_which_and_no_byte_of_a_hostile_browser(
    api: Edge, client: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    await register(client)
    await sign_in(api, FIREFOX, "203.0.113.7")
    await sign_in(api, SAFARI, "2001:db8:1:2::3")
    await sign_in(api, '<b>"; Go to evil.example', "203.0.113.7")
    await office.work()
    hostile, safari, _ = mail.messages(ANA)
    assert "Safari, iOS" in safari["text"]
    assert "2001:db8:1::/48" in safari["text"]
    assert "an unknown device" in hostile["text"]
    assert "evil" not in hostile["text"] + hostile["html"]


async def test_an_old_account_without_sessions_is_told(
    api: Edge, client: httpx.AsyncClient, office: Office, mail: MailSandbox
) -> None:
    await register(client)
    office.change("UPDATE users SET created_at = now() - interval '31 days'")
    await sign_in(api, FIREFOX, "203.0.113.7")
    await office.work()
    assert mail.messages(ANA)[0]["subject"] == NEW_DEVICE


async def test_a_copied_session_is_told_to_its_user(
    client: httpx.AsyncClient, database: Database, office: Office, mail: MailSandbox
) -> None:
    await register(client)
    await log_in(client)
    stolen = client.cookies["__Host-astero_rt"]
    assert (await client.post("/api/auth/refresh")).status_code == 204
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute("UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds'")
    client.cookies.set("__Host-astero_rt", stolen, domain="astero.test")
    assert (await client.post("/api/auth/refresh")).status_code == 401
    await office.work()
    assert mail.messages(ANA)[0]["subject"] == "A session was ended because it was used twice"
