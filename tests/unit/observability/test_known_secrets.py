"""Loaded secrets are found wherever they lie and however they were encoded on the way."""

import base64
import json
import secrets
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astero_shared.observability.known_secrets import KnownSecrets
from astero_shared.observability.marker import is_marked, mark


def knowing(*values: str | bytes) -> KnownSecrets:
    known = KnownSecrets()
    for value in values:
        known.add(value)
    return known


@given(
    secret=st.text(min_size=8, max_size=80),
    before=st.text(max_size=40),
    after=st.text(max_size=40),
)
def test_found_at_every_offset(secret: str, before: str, after: str) -> None:
    # A secret of one repeated character may begin inside what surrounds it; a mark has to be there anyway.
    hidden = knowing(secret).hide(before + secret + after)
    assert "[redacted:" in hidden or secret in "[redacted:"
    assert secret not in hidden or secret in mark(secret) or secret in before + after


@pytest.mark.parametrize("length", [8, 14, 15, 16, 72])
@pytest.mark.parametrize("offset", range(9))
def test_found_whatever_its_length_and_place(length: int, offset: int) -> None:
    secret = secrets.token_hex(40)[:length]
    text = "." * offset + secret + "." * 9
    assert knowing(secret).hide(text) == "." * offset + mark(secret) + "." * 9


@pytest.mark.parametrize("prefix", ["", "u", "us", "use"])
def test_found_inside_base64_of_more(prefix: str) -> None:
    secret = "p/ss+w?rd with ünicode"
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(f"{prefix}{secret}:tail".encode()).decode()
        inside = base64.b64encode(secret.encode()).decode()[4:16]
        hidden = knowing(secret).hide(text)
        assert "[redacted:" in hidden
        assert inside not in hidden


@pytest.mark.parametrize(
    "encode",
    [
        lambda s: quote(s, safe=""),
        lambda s: json.dumps(s)[1:-1],
        lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
        lambda s: repr(s)[1:-1],
        lambda s: s.encode().hex(),
    ],
    ids=["url", "json", "json-utf8", "repr", "hex"],
)
def test_found_in_its_other_spellings(encode: object) -> None:
    secret = 'it\'s "quoted" & ünicode\\'
    text = f"<{encode(secret)}>"  # pyright: ignore[reportCallIssue]
    assert knowing(secret).hide(text) == f"<{mark(secret)}>"


def test_parts_of_a_composite_secret_are_secrets() -> None:
    known = knowing("2:bmV3a2V5bmV3a2V5,1:b2xka2V5b2xka2V5", "postgresql://astero:p%40ssw0rd99@db/x")
    for part in ("bmV3a2V5bmV3a2V5", "b2xka2V5b2xka2V5", "p%40ssw0rd99", "p@ssw0rd99"):
        assert part not in known.hide(f"a {part} b")


def test_bytes_are_found_in_base64_and_hex() -> None:
    key = secrets.token_bytes(32)
    known = knowing(key)
    for form in (key.hex(), base64.b64encode(key).decode()):
        assert form not in known.hide(f"key {form}")


def test_overlapping_secrets_leave_nothing_between_them() -> None:
    whole = secrets.token_hex(32)
    known = knowing(whole[:40], whole[20:], whole)
    assert is_marked(known.hide(whole))
    assert known.hide(whole[:40] + whole[40:] + "!").endswith("]!")


def test_values_under_eight_characters_are_words() -> None:
    assert knowing("astero").hide("astero is up") == "astero is up"


def test_equal_secrets_get_equal_marks_and_marks_survive() -> None:
    secret = "correct horse battery"
    known = knowing(secret, "[redacted", "redacted:")
    first, second = known.hide(f"{secret} {secret}").rsplit(" ", 1)
    assert first == second == mark(secret)
    assert known.hide(first) == first


def test_a_thousand_tokens_are_all_found() -> None:
    tokens = [f"MTk4NjIy{secrets.token_urlsafe(48)}" for _ in range(1000)]
    known = knowing(*tokens)
    hidden = known.hide(" ".join(tokens))
    assert [token for token in tokens if token in hidden] == []
