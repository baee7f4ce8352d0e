"""Automod's settings: stored as they will be used, and off by default."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astero_shared.errors import InvalidError
from astero_shared.features.automod.config import AutomodConfig, RuleAction
from astero_shared.features.automod.domains import host_to_ascii, is_allowed, normalise_domain
from astero_shared.features.modules.patches import apply_patch
from astero_shared.i18n import text
from astero_shared.problems import in_words


def patched(rule: str, **settings: object) -> AutomodConfig:
    return apply_patch(AutomodConfig(), {rule: settings})


def refused(rule: str, **settings: object) -> InvalidError:
    with pytest.raises(InvalidError) as caught:
        patched(rule, **settings)
    return caught.value


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("example.com", "example.com"),
        (" Example.COM ", "example.com"),
        ("https://www.example.com:443/path?q#f", "example.com"),
        ("*.example.com", "example.com"),
        ("example.com.", "example.com"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de"),
    ],
)
def test_a_domain_is_stored_as_a_host_name(given: str, stored: str) -> None:
    assert patched("links", allowedDomains=[given]).links.allowed_domains == (stored,)


@pytest.mark.parametrize(
    "given",
    [
        "com",
        "a b.com",
        "exa_mple.com",
        "-a.com",
        "1.2.3.4",
        "[::1]",
        "http://[",
        "https://",
        "..",
        "a..b",
        "*",
        "user@example.com",
        "@example.com",
        "https://user:pw@example.com/",
    ],
)
def test_what_is_no_domain_is_refused(given: str) -> None:
    error = refused("links", allowedDomains=["ok.com", given])
    assert (error.pointer, in_words(error, "en")) == (
        "/links/allowedDomains/1",
        "Expected a domain such as example.com.",
    )


@given(st.text(st.characters(), max_size=100))
def test_any_text_is_a_domain_or_not(written: str) -> None:
    domain = normalise_domain(written)
    if domain is not None:
        assert normalise_domain(domain) in {domain, domain.removeprefix("www.")}
        assert host_to_ascii(domain) == domain


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=2, max_size=5))
def test_a_domain_covers_itself_and_its_subdomains_only(labels: list[str]) -> None:
    host = ".".join(labels)
    allowed = frozenset({".".join(labels[1:])})
    assert is_allowed(host, allowed)
    assert is_allowed(f"x.{host}", allowed)
    assert not is_allowed(f"x{'.'.join(labels[1:])}", allowed)


def test_words_are_trimmed_and_stand_once() -> None:
    stored = patched("words", words=["  spam ", "spam", "buy    now", "*x*"]).words.words
    assert stored == ("spam", "buy now", "*x*")


@pytest.mark.parametrize("field", ["exemptRoles", "exemptChannels"])
def test_an_exemption_stands_once(field: str) -> None:
    rule = patched("caps", **{field: ["2", "1", "2"]}).caps
    assert (rule.exempt_roles or rule.exempt_channels) == (2, 1)


@pytest.mark.parametrize("word", ["*", "**", " ", "* *", "a*b", "**a", "a**"])
def test_a_word_needs_something_to_look_for(word: str) -> None:
    assert refused("words", words=[word]).pointer == "/words/words/0"


@pytest.mark.parametrize(
    "unseen", ["\u200b", "\u202e", "\u3164", "*\u2800*", "\u0301", "\ufe0f\u200d", " \u00a0"]
)
def test_a_word_nobody_can_see_is_refused_in_plain_words(unseen: str) -> None:
    error = refused("words", words=["fine", unseen])
    assert (error.pointer, in_words(error, "en")) == (
        "/words/words/1",
        "An entry needs at least one visible character.",
    )
    assert text("errors.config.word_empty", "fr") == "Une entrée a besoin d’au moins un caractère visible."


@pytest.mark.parametrize("word", ["🖕", "傻", "é", "!", "\U0001faef", "\u200bx"])
def test_whatever_is_drawn_can_be_listed(word: str) -> None:
    assert patched("words", words=[word]).words.words == (word,)


@pytest.mark.parametrize("pattern", [r"\bspam\b", r"\w", "[a-z]", "é", r"^\S+$", r"\d{3}"])
def test_a_pattern_that_some_messages_pass_is_accepted(pattern: str) -> None:
    assert patched("patterns", patterns=[pattern]).patterns.patterns == (pattern,)


@pytest.mark.parametrize("rule", ["words", "links", "invites", "caps", "mentions", "emoji", "patterns"])
@pytest.mark.parametrize("minutes", [0, 40321, 525600])
def test_a_timeout_lasts_at_most_28_days(rule: str, minutes: int) -> None:
    error = refused(rule, action="timeout", durationMinutes=minutes)
    assert error.pointer == f"/{rule}/durationMinutes"
    changed = getattr(patched(rule, action="ban", durationMinutes=minutes), rule)
    assert (changed.action, changed.duration_minutes) == (RuleAction.BAN, minutes)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?=a)b", "RE2 does not accept this pattern: invalid perl operator: (?="),
        (r"(a)\1", "RE2 does not accept this pattern: invalid escape sequence: \\1"),
        ("a{1001}", "RE2 does not accept this pattern: invalid repetition size: {1001}"),
        ("(", "RE2 does not accept this pattern: missing ): ("),
        *(
            (pattern, "This pattern would match every message, whatever it says.")
            for pattern in ("a*", r"(?i)\b", r"\B", r"\C", ".", "(?s).+", "^", "x|$", "[^x]", r"\b|[a-z]+")
        ),
        (r"\pL{30}", "With this pattern, your patterns are too large together. Long repetitions weigh most."),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_in_plain_words(pattern: str, reason: str) -> None:
    error = refused("patterns", patterns=["fine", pattern])
    assert (error.pointer, in_words(error, "en")) == ("/patterns/patterns/1", reason)


def test_the_patterns_of_a_server_share_one_bound() -> None:
    heavy = [rf"{name}.{{90}}z" for name in "abcdefghijk"]
    assert patched("patterns", patterns=heavy[:3]).patterns.patterns == tuple(heavy[:3])
    pointer = refused("patterns", patterns=heavy).pointer
    assert pointer is not None
    assert int(pointer.rpartition("/")[2]) > 2
    ordinary = [rf"(?:free|cheap)\s+\w+{index}\b" for index in range(25)]
    assert len(patched("patterns", patterns=ordinary).patterns.patterns) == 25


@given(st.text(st.characters(), min_size=1, max_size=260))
def test_any_pattern_is_accepted_or_refused(pattern: str) -> None:
    try:
        assert patched("patterns", patterns=[pattern]).patterns.patterns == (pattern,)
    except InvalidError as error:
        pointer = error.pointer
    else:
        pointer = "/patterns/patterns/0"
    assert pointer == "/patterns/patterns/0"


@pytest.mark.parametrize("pair", [["a)(b", "c"], [r"\Qa", "b"]])
def test_no_pattern_reaches_into_another(pair: list[str]) -> None:
    assert in_words(refused("patterns", patterns=pair), "en").startswith("RE2 does not accept")


def test_everything_is_off_by_default() -> None:
    default = AutomodConfig()
    assert not any(getattr(default, rule).enabled for rule in AutomodConfig.__struct_fields__)
