"""Every letter in every language: complete, in two forms, and closed to what people type."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from astero_api.mail.addresses import Mailbox
from astero_api.mail.kinds import FORMS, MailKind
from astero_api.mail.letters import Letter
from astero_api.mail.message import one_line, render
from astero_shared.clock import utc_now
from astero_shared.i18n import LOCALES, Locale
from astero_shared.ids import new_id

SENDER = Mailbox.parse("Astero <mail@astero.example>")
SITE = "https://astero.example"
HOSTILE = (
    "</p><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "x\r\nBcc: eve@evil.example\r\n\r\nhello",
    "x\u2028Bcc: eve@evil.example",
    "\u202eevil.example",
    "{token} {0.__class__} {{ 1234567 * 9 }} {% raw %}",
    "\x00\x1b[31m",
)


def sent(letter: Letter) -> EmailMessage:
    """As a mail program reads it."""
    message = render(letter, mail_id=new_id(), sender=SENDER, public_url=SITE)
    return message_from_bytes(message.as_bytes(), policy=policy.default)


def written(kind: MailKind, locale: Locale, fill: str = "zebra") -> Letter:
    form = FORMS[kind]
    return Letter(
        kind=kind,
        to="ana@example.com",
        locale=locale,
        written_at=utc_now(),
        details=dict.fromkeys(form.details, fill),
        token=None if form.page is None else "t" * 43,
    )


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return part.get_content()


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", MailKind)
def test_every_letter_is_whole_in_both_forms(kind: MailKind, locale: Locale) -> None:
    message = sent(written(kind, locale))
    plain, html = body(message, "plain"), body(message, "html")
    assert message.get_content_type() == "multipart/alternative"
    assert message["Subject"]
    assert message["Date"].datetime.tzinfo is not None
    assert message["Auto-Submitted"] == "auto-generated"
    assert f'lang="{locale}"' in html
    page = FORMS[kind].page
    for text in (plain, html):
        assert "{" not in text
        assert SITE in text
        assert (f"{SITE}{page}#{'t' * 43}" in text) is (page is not None)
        assert text.count("zebra") == len(FORMS[kind].details)
    assert all(len(line) <= 998 for line in message.as_bytes().splitlines())


def test_the_languages_differ() -> None:
    for kind in MailKind:
        english, french = (sent(written(kind, locale)) for locale in ("en", "fr"))
        assert english["Subject"] != french["Subject"]


@pytest.mark.parametrize("fill", HOSTILE)
@pytest.mark.parametrize("kind", [kind for kind in MailKind if FORMS[kind].details])
def test_what_people_typed_stays_a_word_in_the_body(kind: MailKind, fill: str) -> None:
    message = sent(written(kind, "en", fill))
    calm = sent(written(kind, "en"))
    assert message.keys() == calm.keys()
    assert message["Subject"] == calm["Subject"]
    html = body(message, "html")
    assert re.findall(r"<[a-z!/][^>]*>", html) == re.findall(r"<[a-z!/][^>]*>", body(calm, "html"))
    assert body(message, "plain").count("\n") == body(calm, "plain").count("\n")
    # what a template engine would have made of it: no date, id or style holds these digits by chance
    assert "11111103" not in html


def test_a_line_is_one_line_and_not_endless() -> None:
    assert one_line("a\r\n\u2028\u202eb") == "a b"
    assert len(one_line("x" * 10_000)) == 200
