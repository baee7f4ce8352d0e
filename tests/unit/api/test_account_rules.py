"""Which passwords and addresses are taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astero_shared.features.accounts.rules import email_key, is_email, is_weak

OWN = ("alice.smith@example.com", "Alice Smith")


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "Password1234!",
        "P@ssw0rd2024!!",
        "123456789012",
        "9876543210987",
        "aaaaaaaaaaaab",
        "abcabcabcabc",
        "astero-admin1",
        "qwertyuiop123",
        "iloveyou123456",
        "alice.smith2024",
        "ALICE.SMITH@example.com!",
        "1234letmein5678",
        "🦊🦊🦊🦊🦊",
    ],
)
def test_the_first_guesses_are_weak(password: str) -> None:
    assert is_weak(password, own_words=OWN)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "kT9#mQ2vXz!8",
        "84736251908467",
        "j3k4l5m6n7p8",
        "four-words-nobody-guesses",
        "mot de passe à rallonge 7",
        "zq" * 40 + " and then some",
    ],
)
def test_others_are_taken(password: str) -> None:
    assert not is_weak(password, own_words=OWN)


@given(st.text(max_size=1100), st.text(max_size=80))
def test_any_text_is_judged(password: str, name: str) -> None:
    assert is_weak(password, own_words=(name,)) in {True, False}


@pytest.mark.parametrize("email", ["a@b.c", "é@exämple.fr", "A.B+c@x.co.uk", "o'neil@x.ie"])
def test_addresses(email: str) -> None:
    assert is_email(email)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "a@b",
        "a b@c.d",
        "a@@b.c",
        "x@-a.com",
        "x@a-.com",
        "x@a..com",
        "a\n@b.c",
        "a@b.c\n",
        "<a@b.c>",
        "a@b.c,d@e.f",
        "x" * 65 + "@b.c",
        "a@" + "b." * 130 + "c",
    ],
)
def test_no_addresses(email: str) -> None:
    assert not is_email(email)


def test_spellings_of_one_address_share_a_key() -> None:
    assert email_key("Ana@Example.COM") == email_key("ana@example.com") == email_key("ana@example.com")
    assert email_key("a.na@example.com") != email_key("ana@example.com")
