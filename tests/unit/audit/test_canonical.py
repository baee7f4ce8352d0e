"""The encoding an entry is hashed from has one form for each entry, and no two entries share one."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astero_shared.audit.canonical import NO_HASH, JsonValue, StoredEntry, canonical_json, encode, hash_entry

FIELDS = st.lists(st.none() | st.binary(max_size=8) | st.text(max_size=8), max_size=6)
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)
JSON: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def decode(body: bytes) -> list[bytes | None]:
    fields: list[bytes | None] = []
    while body:
        if body[0] == 0:
            fields.append(None)
            body = body[1:]
            continue
        length = int.from_bytes(body[1:5], "big")
        fields.append(body[5 : 5 + length])
        body = body[5 + length :]
    return fields


@given(FIELDS)
def test_what_was_encoded_can_be_read_back(fields: list[str | bytes | None]) -> None:
    raw = [field.encode() if isinstance(field, str) else field for field in fields]
    assert decode(encode(fields)) == raw


@given(JSON)
def test_the_text_of_details_says_what_they_are(value: JsonValue) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(TEXT, st.integers(), min_size=2, max_size=6))
def test_the_order_in_which_details_were_written_is_not_seen(details: dict[str, int]) -> None:
    turned = dict(reversed(details.items()))
    assert canonical_json(turned) == canonical_json(details)


@pytest.mark.parametrize("value", [1.5, datetime(2026, 1, 1, tzinfo=UTC), {"a": [0.5]}, b"x", {1, 2}])
def test_what_has_more_than_one_spelling_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="spelling"):
        canonical_json(value)  # pyright: ignore[reportArgumentType]


def test_a_hash_can_be_computed_by_hand() -> None:
    entry = StoredEntry(
        id=UUID(int=7),
        at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        chain="platform",
        seq=1,
        prev_hash=NO_HASH,
        hash=b"",
        actor_kind="system",
        actor_id="astero",
        account_id=None,
        bot_id=None,
        guild_id=None,
        target=None,
        personal=None,
        personal_salt=None,
        personal_hash=None,
        action="a:b:c",
        details={"bb": [1, True], "a": "é"},
    )
    said = [
        b"astero-audit-1", b"platform", b"1", bytes(32), b"00000000-0000-0000-0000-000000000007",
        b"1767323045678901", b"system", b"astero", None, None, None, b"a:b:c", None,
        '{"a": "é", "bb": [1, true]}'.encode(), None,
    ]  # fmt: skip
    body = b"".join(b"\0" if one is None else b"\1" + len(one).to_bytes(4, "big") + one for one in said)
    assert hash_entry(entry) == sha256(body).digest()
