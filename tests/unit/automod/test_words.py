"""Words are found in every disguise, and only as the words they are."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.automod import compiled_with, in_disguise, verdict

from astero_shared.features.automod.readings import MAX_FRAGMENT

WORDS = st.text(alphabet=string.ascii_lowercase, min_size=3, max_size=12)


def fragment(words: tuple[str, ...], content: str) -> str | None:
    hit = verdict(compiled_with("words", words=words), content)
    return None if hit is None else hit.fragment


@pytest.mark.parametrize(
    ("word", "content", "found"),
    [
        ("spam", "no SPAM here", "spam"),
        ("spam", "spam!", "spam"),
        ("spam", "(spam)", "spam"),
        ("spam", "_spam_ **spam**", "spam"),
        ("spam", "sp**am**", "spam"),
        ("spam", "sp||am||", "spam"),
        ("spam", "s\\pam", "spam"),
        ("spam", "ＳＰＡＭ", "spam"),
        ("spam", "ѕраm", "spam"),
        ("spam", "s\u200bp\u200ba\u200bm", "spam"),
        ("spam", "s̶p̷a̸m", "spam"),
        ("spam", "🇸🇵🇦🇲", "spam"),
        ("spam", "★spam★", "spam"),
        ("spam", "日本spam日本", "spam"),
        ("spam", "sp4m", "sp4m"),
        ("shit", "sh1t", "sh1t"),
        ("shit", "5h!t", "5h!t"),
        ("ass", "a$$", "a$$"),
        ("spam", "spaaaam", "spaaaam"),
        ("god", "goood", "goood"),
        ("été", "ETE", "ete"),
        ("enculé", "encule", "encule"),
        ("привет", "ПРИВЕТ", "npnbet"),
        ("傻逼", "你傻逼吗", "傻逼"),
        ("🖕", "hey 🖕🏽", "🖕"),
        ("c++", "I like c++!", "c++"),
        ("buy now", "Buy   NOW", "buy   now"),
        ("buy now", "buy-now", "buy-now"),
        ("1488", "is 1488 ok", "1488"),
        ("spam*", "spammers", "spam"),
        ("*spam", "antispam", "spam"),
        ("*spam*", "antispammers", "spam"),
        ("spam", "so s p a m !", "spam"),
        ("spam", "this is a s p a m bot", "spam"),
        ("spam", "S.P.A.M.", "spam"),
        ("spam", "s - p - a - m", "spam"),
        ("spam", "s\np\na\nm", "spam"),
        ("spam", "s\u3164p\u3164a\u3164m", "spam"),
        ("badword", "b a d w o r d", "badword"),
        ("badword", "b.4.d.w.0.r.d", "b4dw0rd"),
        ("badword", "б а d w о r d".replace("б", "b"), "badword"),
        ("asshole", "a $ $ h o l e", "a$$hole"),
        ("fuck", "f.u.c.k you", "fuck"),
        ("fuck", "f-u-u-u-c-k", "fuuuck"),
        ("free nitro", "f r e e  n i t r o", "free\nnitro"),
        *(
            ("badword", f"bad{blank}word", "badword")
            for blank in "\u3164\uffa0\u2800\u115f\u1160\u034f\u200a"
        ),
        ("bad word", "bad\u3164word", "bad word"),
        ("idiot", "1d10t", "1d10t"),
        ("idiot", "|diot", "|diot"),
        ("idiot", "an id|ot, really", "id|ot"),
        ("shit", "sh|t", "sh|t"),
        ("badword", "bɐdʍoɹd", "badword"),
    ],
)
def test_a_word_is_found(word: str, content: str, found: str) -> None:
    assert fragment((word,), content) == found


@pytest.mark.parametrize(
    ("word", "content"),
    [
        ("ass", "class"),
        ("ass", "assess"),
        ("as", "ass"),
        ("god", "good"),
        ("god", "go d"),
        ("spam", "antispam"),
        ("spam", "spam1"),
        ("spam*", "antispam"),
        ("*spam", "spammer"),
        ("ass", "the a55 phone"),
        ("is", "$15 and 15$"),
        ("bob", "808 0508"),
        ("spam", ""),
        ("spa", "s p a"),
        ("spam", "s p.a m"),
        ("spam", "s p a mm"),
        ("spam", "s p am"),
        ("spam", "s pa m"),
        ("1234", "1 2 3 4"),
        ("abcd", "a, b, c and d"),
        ("good", "g o d"),
        ("ill", "||| and || spoiler ||"),
        ("all", "a|| secret ||"),
        ("stoop", "57009"),
        ("🖕", "hand"),
        ("1488", "14881"),
        ("buy now", "buy them now"),
    ],
)
def test_what_only_resembles_a_word_is_left_alone(word: str, content: str) -> None:
    assert fragment((word,), content) is None


@given(data=st.data(), word=WORDS)
def test_no_disguise_turns_a_hit_into_a_miss(data: st.DataObject, word: str) -> None:
    content = data.draw(in_disguise(word))
    before, after = data.draw(
        st.tuples(st.sampled_from(["", "so ", "« "]), st.sampled_from(["", " ok", "!"]))
    )
    assert fragment((word,), f"{before}{content}{after}") is not None


@given(word=WORDS, mark=st.sampled_from(["**", "__", "~~", "||", "*", "`", "\\"]), data=st.data())
def test_markdown_inside_a_word_hides_nothing(word: str, mark: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word)))
    assert fragment((word,), f"{word[:at]}{mark}{word[at:]}{mark}") is not None


@given(word=WORDS, content=st.text(alphabet=string.ascii_lowercase + " .,!", max_size=60))
def test_plain_text_is_judged_by_whole_words(word: str, content: str) -> None:
    cleaned = content.translate(str.maketrans(".,!", "   ")).split()
    if word in cleaned:
        assert fragment((word,), content) is not None
    elif not any(len(set(token)) < len(token) for token in cleaned):
        # Without a letter that stands twice nothing can be a stretched form of the word.
        assert fragment((word,), content) is None


FORBIDDEN = ("spam", "fuck", "shit", "badword", "idiot", "damn", "anal", "asshole", "*open*", "free nitro")
PROSE = st.sampled_from(
    [
        *("I", "a", "à", "y", "o", "we", "the", "is", "go", "plan", "B", "map", "W A S D", "e.g.", "i.e."),
        *("U.S.A.", "A, B, C", "1 2 3 4", "3 x 4", "x = y + z", "a|b|c|d", "||secret||", "500km", "1080p"),
        *("t'as", "j'ai", "l'a", "d'un", "R.S.V.P.", "5-4-3-2-1", "a/b/c/d", "n°", "été", "10h30", "(c)"),
    ]
)


@given(st.lists(PROSE, max_size=30), st.sampled_from([" ", ", ", ". ", "\n"]))
def test_ordinary_sentences_are_no_letters_set_apart(parts: list[str], between: str) -> None:
    assert fragment(FORBIDDEN, between.join(parts)) is None


@given(
    word=st.text(alphabet=string.ascii_lowercase, min_size=4, max_size=12),
    between=st.sampled_from(
        [" ", ".", "-", "_", ", ", "  ", "*", "|", "\n", "\u3164", "\u00a0", "·", "😀", " - "]
    ),
    around=st.sampled_from(["{}", "hey {}", "{}!", "({})", "you {} you"]),
)
def test_letters_set_apart_are_the_word_they_spell(word: str, between: str, around: str) -> None:
    assert fragment((word,), around.format(between.join(word))) is not None


def test_the_longest_lists_compile_and_are_found_to_the_last_entry() -> None:
    short = tuple(f"{a}{b}{c}word" for a in "abcdefgh" for b in "abcdefgh" for c in "abcdefgh")[:500]
    long = tuple(
        f"{a}{b}{c} " + "lorem ipsum dolor sit amet consetetur sadipscing elitr"[:55]
        for a in "abcdefgh"
        for b in "abcdefgh"
        for c in "abcdefgh"
    )[:500]
    for words in (short, long):
        compiled = compiled_with("words", words=words)
        for word in (words[0], words[250], words[-1]):
            assert verdict(compiled, f"x {word} y") is not None
        assert verdict(compiled, "nothing to see here") is None


def test_a_fragment_never_fills_the_log() -> None:
    hit = verdict(compiled_with("words", words=("spam",)), "spa" + "a" * 3000 + "m")
    assert hit is not None
    assert len(hit.fragment) == MAX_FRAGMENT
