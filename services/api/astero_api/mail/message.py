"""A letter as the bytes that travel: plain text and HTML from one set of sentences.

What people chose themselves (names of passkeys, of servers) stands in the body only, escaped; subjects and
headers are ours, so nothing a user types can begin a header.
"""

import re
from email import policy
from email.message import EmailMessage
from functools import cache
from typing import Final
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from astero_api.mail.addresses import Mailbox
from astero_api.mail.kinds import FORMS
from astero_api.mail.letters import Letter
from astero_shared.i18n import catalogue, text

_MAX_DETAIL: Final = 200
# every character at which some reader of text ends a line, and those that turn the writing direction
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("astero_api", "mail/templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def one_line(value: str) -> str:
    """What a person typed, as a part of one line of ours."""
    return _CONTROLS.sub(" ", value)[:_MAX_DETAIL]


def render(letter: Letter, *, mail_id: UUID, sender: Mailbox, public_url: str) -> EmailMessage:
    """The whole message, to be written with `as_bytes()`. Raises AddressUnusableError."""
    recipient = Mailbox.of(letter.to)
    form = FORMS[letter.kind]
    words = {
        "locale": letter.locale,
        "subject": text(f"mail.{letter.kind}.subject", letter.locale),
        "paragraphs": _filled(f"mail.{letter.kind}.body", letter).split("\n\n"),
        "written_at": text(
            "mail.written_at",
            letter.locale,
            day=letter.written_at.strftime("%Y-%m-%d"),
            time=letter.written_at.strftime("%H:%M"),
        ),
        "why": text("mail.why", letter.locale, site=public_url),
        "button": None if form.page is None else text(f"mail.{letter.kind}.action", letter.locale),
        "link": None if form.page is None else f"{public_url}{form.page}#{letter.token}",
        "link_hint": text("mail.link_hint", letter.locale),
    }
    message = EmailMessage(policy=policy.SMTPUTF8 if recipient.needs_utf8 else policy.SMTP)
    message["From"] = sender.header
    message["To"] = recipient.header
    message["Subject"] = words["subject"]
    message["Date"] = letter.written_at
    # the same at every try, so that a mailbox which gets it twice can tell
    message["Message-ID"] = f"<{mail_id}@{sender.domain}>"
    # RFC 3834: no holiday note answers this
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_templates().get_template("letter.txt.j2").render(words), cte="quoted-printable")
    message.add_alternative(
        _templates().get_template("letter.html.j2").render(words), subtype="html", cte="quoted-printable"
    )
    return message


def _filled(key: str, letter: Letter) -> str:
    blanks = catalogue(letter.locale)[key].params
    return text(key, letter.locale, **{name: one_line(letter.details[name]) for name in blanks})
