"""`redact` on structures: what goes by its name, what stays, and that anything at all can be passed."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import json
import types
import uuid
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlmodel import Field, SQLModel

from astero_shared.observability.marker import is_marked
from astero_shared.observability.redaction import (
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_TEXT,
    redact,
    redact_text,
    register_secret,
)
from astero_shared.settings import Secret, SecretRing

CANARY = "Zq7canaryZq7"


class Login(msgspec.Struct):
    name: str
    password: str


@dataclasses.dataclass
class Link:
    discord_token: str
    guild: int


class Row(SQLModel):
    label: str
    api_key: str = Field(repr=False)


Pair = collections.namedtuple("Pair", ["name", "otp"])  # noqa: PYI024 - the kind without annotations


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        {"password": CANARY},
        {"a": {"b": [{"Discord-Token": CANARY}]}},
        {"tokens": [CANARY, {"x": CANARY}]},
        {"session": {"id": CANARY, "n": (CANARY,)}},
        [("Authorization", CANARY)],
        [(b"set-cookie", CANARY.encode())],
        ["token", CANARY],
        [{"name": "X-Api-Key", "value": CANARY}],
        [{"value": CANARY, "name": "X-Api-Key"}],
        httpx.Headers({"cookie": CANARY}),
        httpx.URL(f"https://x.example/?access_token={CANARY}"),
        f"https://x.example/?access_token={CANARY}".encode(),
        bytearray(f"password={CANARY}", "ascii"),
        memoryview(f"password={CANARY}".encode()),
        Login(name="x", password=CANARY),
        Link(discord_token=CANARY, guild=1),
        Row(label="x", api_key=CANARY),
        Pair("x", CANARY),
        types.MappingProxyType({"secret": CANARY}),
        collections.deque([{"password": CANARY}]),
        types.SimpleNamespace(password=CANARY),
        {f"password={CANARY}": 1},
        {b"password": CANARY},
        {("password", CANARY): 1},
        ValueError({"password": CANARY}),
        ValueError(f"token='{CANARY}'"),
        {"otp": CANARY, "pin_otp": 1},
        {frozenset({f"secret={CANARY}"})},
    ],
    ids=lambda value: type(value).__name__,
)
def test_hidden_in(value: Any) -> None:
    redacted = json.dumps(redact(value))
    assert CANARY not in redacted
    assert "[redacted:" in redacted


def test_names_and_harmless_values_stay() -> None:
    value = {
        "password": None,
        "token": "",
        "hasSecret": True,
        "prompt_tokens": 512,
        "token_type": "bearer",
        "name": "Alice",
        "when": dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        "colour": Colour.RED,
        "id": uuid.UUID(int=7),
        "price": decimal.Decimal("1.50"),
    }
    assert redact(value) == {
        "password": None,
        "token": "",
        "hasSecret": True,
        "prompt_tokens": 512,
        "token_type": "bearer",
        "name": "Alice",
        "when": "2026-01-02 00:00:00+00:00",
        "colour": "red",
        "id": "00000000-0000-0000-0000-000000000007",
        "price": "1.50",
    }


def test_equal_values_correlate_across_names_and_kinds() -> None:
    redacted = redact({"otp": 123456, "token": "123456", "text": "password=123456"})
    assert redacted["otp"] == redacted["token"]
    assert redacted["text"] == f"password={redacted['otp']}"


def test_discord_ids_keep_their_digits() -> None:
    assert redact({"guild": 1234567890123456789, "n": 5}) == {"guild": "1234567890123456789", "n": 5}
    assert is_marked(redact(4242424242424242))


def test_secret_types_print_as_stars() -> None:
    ring = SecretRing.parse("0123456789abcdef0123456789abcdef")
    assert redact({"a": Secret(CANARY), "password": ring}) == {"a": "***", "password": "***"}


def test_registered_values_are_hidden_in_keys_numbers_and_text() -> None:
    register_secret(Secret("98765432101"))
    register_secret("plain-looking-value")
    redacted = redact({"plain-looking-value": 98765432101, "x": "a plain-looking-value b"})
    assert "plain-looking" not in json.dumps(redacted)
    assert "98765432101" not in json.dumps(redacted)


def test_what_is_no_secret_is_refused_by_registration() -> None:
    with pytest.raises(TypeError):
        register_secret(42)


def test_depth_width_cycles_and_length_are_bounded() -> None:
    deep: Any = {"password": CANARY}
    for _ in range(200):
        deep = {"x": [deep]}
    cyclic: dict[str, Any] = {"a": 1}
    cyclic["self"] = cyclic
    wide = {str(i): {str(j): j for j in range(1000)} for i in range(1000)}
    assert CANARY not in json.dumps(redact(deep))
    assert json.dumps(redact(deep)).count("{") <= MAX_DEPTH
    assert redact(cyclic)["self"] == "[cut:cycle]"
    assert json.dumps(redact(wide)).count(":") < 20 * MAX_ITEMS
    assert len(redact("x" * 10_000_000)) <= MAX_TEXT
    assert len(redact(b"\xff" * 10_000_000)) <= MAX_TEXT
    assert redact(10**5000) == "[cut:integer]"


@pytest.mark.parametrize("at", range(MAX_TEXT - 30, MAX_TEXT + 10))
def test_a_secret_across_the_cut_is_seen_whole(at: int) -> None:
    register_secret("across-the-cut-secret")
    assert "across" not in redact_text("." * at + "across-the-cut-secret" + "." * 50)


def test_objects_that_fail_are_named_and_not_shown() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError(CANARY)

    class Hostile(dict[str, str]):
        def items(self) -> Any:
            raise RuntimeError(CANARY)

    assert redact([Broken(), Hostile()]) == ["<Broken>", "[cut:unreadable]"]


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["password", "name", "value", "token"]), inner)
        | st.tuples(st.sampled_from(["Authorization", "x"]), inner)
    ),
    max_leaves=30,
)


@given(JSON_LIKE)
def test_anything_redacts_to_json_and_twice_is_once(value: Any) -> None:
    once = redact(value)
    json.dumps(once, allow_nan=False).encode("ascii")
    assert redact(once) == once


FRAGMENTS = st.lists(
    st.sampled_from([
        "password=", "token: ", "'", '"', ", ", "Bearer ", "eyJabcdefgh", ".", "@", "a.bc", "://", ":",
        "4242424242424242", "sk_", "abcdefgh12", "cookie: ", "authorization: ", "{", "[", "]", "\n", "\\",
        "?code=", "&", "[redacted:", "12345678", "session id 0123456789abcdef0123456789abcdef", "=", " ",
    ]),
    max_size=12,
).map("".join)  # fmt: skip


@example("://4242424242424242@")  # a hidden name, whose mark has a colon
@example("://4242424242424242:abcdefgh12@a.bc")
@example("://password=[redacted:12345678]@")
@given(FRAGMENTS)
def test_text_made_of_what_the_patterns_look_for_settles_at_once(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once
