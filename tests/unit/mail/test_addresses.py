"""Which addresses mail can go to, and how they are written where it goes."""

from email import policy
from email.message import EmailMessage

import pytest

from astero_api.mail.addresses import AddressUnusableError, Mailbox


@pytest.mark.parametrize(
    ("address", "envelope", "wide"),
    [
        ("ana@example.com", "ana@example.com", False),
        ("ana@Exämple.example", "ana@xn--exmple-cua.example", False),
        ("ana@例え.テスト", "ana@xn--r8jz45g.xn--zckzah", False),
        ("änä@example.com", "änä@example.com", True),
        ("o'neil+tag@example.com", "o'neil+tag@example.com", False),
    ],
)
def test_the_domain_travels_in_ascii(address: str, envelope: str, wide: bool) -> None:
    mailbox = Mailbox.of(address)
    assert mailbox.envelope == envelope
    assert mailbox.needs_utf8 is wide


@pytest.mark.parametrize(
    "address",
    [
        *("", "ana", "ana@", "@example.com", "ana@localhost", "a b@example.com"),
        *(
            "ana@example.com\r\nBcc: x@y.zz",
            "ana\n@example.com",
            "ana@exa\x00mple.com",
            "ana@exam\u2028ple.com",
        ),
        *("<ana@example.com>", "ana@example.com>", "ana@example.com,bea@example.com", "ana@-example.com"),
        *("ana@xn--a.example", f"{'a' * 65}@example.com"),
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(AddressUnusableError) as refused:
        Mailbox.of(address)
    assert not address or address not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mail@astero.example", "mail@astero.example"),
        ("Astero <mail@astero.example>", "Astero <mail@astero.example>"),
        ("Astero, le bot <mail@astero.example>", '"Astero, le bot" <mail@astero.example>'),
    ],
)
def test_a_sender_has_a_name_or_none(text: str, shown: str) -> None:
    assert str(Mailbox.parse(text).header) == shown


@pytest.mark.parametrize(
    "text",
    ["Astero <>", "Astero\r\nBcc: x <a@b.cc>", "a@b.cc <a@b.cc", '"x" <a@b.cc>', "x" * 81 + "<a@b.cc>"],
)
def test_a_sender_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is not|has a)"):
        Mailbox.parse(text)


def test_a_name_outside_ascii_is_encoded() -> None:
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = Mailbox.parse("Astéro ✦ <mail@astero.example>").header
    assert b"=?utf-8?" in message.as_bytes()
