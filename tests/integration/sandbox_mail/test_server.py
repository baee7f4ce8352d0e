"""The sandbox's mail server keeps a real one's rules, and its page shows mail that wants to do harm."""

from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage

import aiosmtplib
import httpx
import pytest
from playwright.async_api import Page, expect
from support.chromium import needs_chromium, opened_page
from support.mail import MAIL_PASSWORD, MailSandbox, running_mail

from astero_sandbox.mail.certificate import authority_of, ensure_certificate


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailSandbox]:
    with running_mail(tmp_path_factory.mktemp("mail")) as found:
        yield found


@pytest.fixture(autouse=True)
def clean(server: MailSandbox) -> Iterator[None]:
    yield
    server.clear()


def client(server: MailSandbox, **changes: object) -> aiosmtplib.SMTP:
    options: dict[str, object] = {
        "hostname": "127.0.0.1",
        "port": server.tls,
        "use_tls": True,
        "username": "astero",
        "password": MAIL_PASSWORD,
        "cert_bundle": str(server.authority),
    }
    return aiosmtplib.SMTP(**options | changes)  # pyright: ignore[reportArgumentType]


def letter(html: str = "<p>hello</p>") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.cc", "ana@example.com", "Hello"
    message.set_content("hello https://astero.test/account/verify#abc\n..\n.\n")
    message.add_alternative(html, subtype="html")
    return message


async def test_who_knows_no_password_sends_nothing(server: MailSandbox) -> None:
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await client(server, password="not-the-one").connect()
    nobody = client(server, username=None, password=None)
    await nobody.connect()
    with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
        await nobody.mail("a@b.cc")
    assert refused.value.code == 530
    nobody.close()


async def test_nothing_is_said_before_starttls(server: MailSandbox) -> None:
    plain = client(server, port=server.starttls, use_tls=False, start_tls=False, username=None, password=None)
    await plain.connect()
    with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
        await plain.mail("a@b.cc")
    assert refused.value.code == 530
    plain.close()


async def test_a_message_is_shown_as_it_was_sent(server: MailSandbox) -> None:
    async with client(server) as smtp:
        await smtp.send_message(letter())
    (shown,) = server.messages("ana@example.com")
    assert shown["text"].splitlines() == ["hello https://astero.test/account/verify#abc", "..", "."]
    assert shown["links"] == ["https://astero.test/account/verify#abc"]
    assert server.messages("bea@example.com") == []
    assert server.raw(shown["id"]).startswith("From: a@b.cc")


@pytest.mark.parametrize(
    "fault", [{"kind": "eat"}, {"kind": "refuse", "step": "banner"}, {"kind": "cut", "more": 1}]
)
def test_an_unknown_fault_is_refused(server: MailSandbox, fault: dict[str, object]) -> None:
    assert httpx.post(f"{server.url}/sandbox/faults", json=fault, trust_env=False).status_code == 400


def test_the_certificate_is_made_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("certificate")
    made = ensure_certificate(folder).read_bytes()
    assert ensure_certificate(folder).read_bytes() == made
    assert b"PRIVATE" not in authority_of(folder).read_bytes()
    assert (folder / "server.pem").stat().st_mode & 0o777 == 0o600
    authority_of(folder).write_text("damaged")
    assert ensure_certificate(folder).read_bytes() != made


@pytest.fixture
async def page(server: MailSandbox) -> AsyncIterator[tuple[Page, list[str]]]:
    complaints: list[str] = []
    async with opened_page(complaints=complaints) as found:
        yield found, complaints


@pytest.mark.browser
@needs_chromium
async def test_a_letter_that_wants_to_run_is_shown_and_does_not(
    server: MailSandbox, page: tuple[Page, list[str]]
) -> None:
    hostile = "<h1>Hi</h1><script>parent.document.title = 'taken'</script><img src='http://127.0.0.1:1/x'>"
    async with client(server) as smtp:
        await smtp.send_message(letter(hostile))
    shown, complaints = page
    await shown.goto(server.url)
    await expect(shown.frame_locator("iframe").get_by_role("heading", name="Hi")).to_be_visible()
    await expect(shown.get_by_role("link", name="https://astero.test/account/verify#abc")).to_be_visible()
    await expect(shown).to_have_title("Mail · Astero sandbox")
    assert [said for said in complaints if "script" in said]
