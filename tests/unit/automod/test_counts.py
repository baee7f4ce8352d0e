"""The rules that count: capitals, mentions, emoji."""

import emoji
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.automod import compiled_with, verdict

from astero_shared.features.automod.caps import breaks_caps, count_letters, may_break_caps
from astero_shared.features.automod.emoji import count_emoji

# What a keyboard inserts; without its selector a © is text.
QUALIFIED = sorted(
    sequence
    for sequence, data in emoji.EMOJI_DATA.items()
    if data["status"] <= emoji.STATUS["fully_qualified"]
)


@pytest.mark.parametrize(
    ("content", "percent"),
    [
        ("HELLO WORLD", 100),
        ("HELLO WORLd", 90),
        ("ÉCOUTEZ MOI ÇA", 100),
        ("ПРИВЕТ ВСЕМ", 100),
        ("HELLO WORLD https://example.com/lower-case-letters", 100),
        ("<:lowercase:123456789012345678> HELLO WORLD", 100),
        ("<@HELLO THIS IS LOUD>", 100),
        ("<#ANY TEXT IN CAPS>", 100),
        ("</HELLO THIS IS LOUD:123456789012345678>", 100),
        ("<t:HELLO THIS IS LOUD>", 93),
        ("<id:HELLO THIS IS LOUD>", 88),
        ("http://HELLO-THIS-IS-LOUD", 100),
        ("http://ПРИВЕТ-ВСЕМ-ВОТ", 100),
    ],
)
def test_shouting_is_found(content: str, percent: int) -> None:
    hit = verdict(compiled_with("caps"), content)
    assert hit is not None
    assert hit.amount == percent


@pytest.mark.parametrize(
    "content",
    [
        "HELLO YOU",  # fewer than ten letters
        "HELLO WORld hello",
        "ABCDEFGhij",  # exactly 70 %
        "hey <:PEPELAUGHING:123456789012345678>",
        "hey https://example.com/ABCDEFGHIJKLMNOP",
        "OK <@123456789012345678> <@!123456789012345678> <@&123456789012345678> <#123456789012345678>",
        "OK </mod warn:123456789012345678> <t:1700000000:F> <t:-1:R> <id:customize>",
        "日本語日本語日本語日本語",
        "1234567890!!!",
        "",
    ],
)
def test_calm_messages_stay(content: str) -> None:
    assert verdict(compiled_with("caps"), content) is None


@given(st.text(), st.integers(1, 99))
def test_the_quick_no_is_never_wrong(text: str, percent: int) -> None:
    if breaks_caps(count_letters(text), percent=percent, min_letters=1):
        assert may_break_caps(text, percent=percent)


@given(st.text())
def test_letters_are_those_that_have_a_case(text: str) -> None:
    if "<" not in text and "://" not in text:
        letters = count_letters(text)
        assert letters.capitals == sum(char.isupper() for char in text)
        assert letters.total == sum(char.isupper() or char.islower() for char in text)


@given(users=st.integers(0, 100), roles=st.integers(0, 100), everyone=st.booleans())
def test_mentions_are_counted_together(users: int, roles: int, everyone: bool) -> None:
    hit = verdict(
        compiled_with("mentions"),
        "hi",
        mentioned_users=users,
        mentioned_roles=roles,
        mentions_everyone=everyone,
    )
    total = users + roles + everyone
    assert (hit is not None) == (total > 5)
    assert hit is None or hit.amount == total


@pytest.mark.parametrize(
    ("content", "count"),
    [
        ("👨‍👩‍👧👨‍👩‍👧", 2),
        ("🇫🇷🇩🇪", 2),
        ("1️⃣2️⃣", 2),
        ("👍🏽👍", 2),
        ("❤️‍🔥", 1),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 1),
        ("<:one:123456789012345678><a:two:123456789012345678>", 2),
        ("☺ ☺️", 2),
        ("😀\u200b😀", 2),
        ("😀\u200d😀\u200d😀\u200d😀", 4),
        ("👩\u200d👩\u200d👩\u200d👩", 4),
        ("👩\u200d💻\u200d💻", 2),
        ("😀\u200d♀️", 2),
        ("🇦 🇧 🇨 🇩", 4),
        ("🇫🇷🇩", 2),
        ("123 # * © ® text", 0),
        ("été 日本 привет ’—…", 0),
        ("<notanemoji:1>", 0),
    ],
)
def test_emoji_are_counted_as_they_are_seen(content: str, count: int) -> None:
    assert count_emoji(content) == count


def test_every_emoji_of_unicode_counts_once() -> None:
    assert len(QUALIFIED) > 3000
    assert [one for one in QUALIFIED if count_emoji(one) != 1] == []


@given(st.lists(st.sampled_from(QUALIFIED), max_size=30))
def test_emoji_beside_text_are_all_counted(given_emoji: list[str]) -> None:
    assert count_emoji(" x ".join(given_emoji)) == len(given_emoji)


@given(st.lists(st.sampled_from([one for one in QUALIFIED if "\u200d" not in one]), min_size=5, max_size=30))
def test_a_joiner_makes_no_flood_one_picture(given_emoji: list[str]) -> None:
    # The longest sequence that is drawn as one, a family, has four people.
    assert count_emoji("\u200d".join(given_emoji)) >= len(given_emoji) / 4


def test_the_limit_itself_is_allowed() -> None:
    compiled = compiled_with("emoji", limit=3)
    assert verdict(compiled, "😀😀😀") is None
    hit = verdict(compiled, "😀😀😀😀")
    assert hit is not None
    assert hit.amount == 4
