"""The verdict as a whole: exemptions, severity, durations, and no text that breaks it."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.automod import INVISIBLE, compiled_with, config_with, in_disguise, verdict

from astero_shared.features.automod.config import (
    AutomodConfig,
    CapsRule,
    EmojiRule,
    InvitesRule,
    LinksRule,
    MentionsRule,
    PatternsRule,
    RuleAction,
    WordsRule,
    is_active,
)
from astero_shared.features.automod.readings import MAX_FRAGMENT
from astero_shared.features.automod.rules import (
    MessageFacts,
    Rule,
    compile_config,
    evaluate,
    is_staff,
    is_stale_edit,
)
from astero_shared.ids import Snowflake

ALL = AutomodConfig(
    words=WordsRule(enabled=True, words=("spam", "c++", "*open*", "傻逼", "🖕")),
    links=LinksRule(enabled=True, allowed_domains=("good.example", "münchen.de")),
    invites=InvitesRule(enabled=True, allowed_codes=("abc",)),
    caps=CapsRule(enabled=True),
    mentions=MentionsRule(enabled=True),
    emoji=EmojiRule(enabled=True),
    patterns=PatternsRule(enabled=True, patterns=(r"free\s+nitro", r"\pL{3}\d{5}", "купить")),
)
# One message that breaks the rule, and nothing but the rule.
OFFENCES = {
    "words": "spam",
    "links": "https://evil.com",
    "invites": "discord.gg/xyz",
    "caps": "HELLO WORLD HELLO",
    "emoji": "😀" * 11,
    "patterns": "FREE   nitro",
}
SNOWFLAKES = st.integers(1, 2**63 - 1)


@given(st.text(st.characters(), max_size=200))
def test_no_text_breaks_the_verdict(content: str) -> None:
    hit = verdict(compile_config(ALL), content)
    assert hit is None or len(hit.fragment) <= MAX_FRAGMENT


@given(
    st.lists(
        st.one_of(
            st.sampled_from(["https://", "discord", ".gg", "/", "\\", "@", "%2e", "<", "[", "](", "||"]),
            st.sampled_from(["spam", "SPAM", "1", "!", "$", "*", "\x00", "\ud800", "🇫", "\u20e3"]),
            st.sampled_from(list(INVISIBLE)),
            st.text(st.characters(), max_size=3),
        ),
        max_size=60,
    )
)
def test_no_mixture_breaks_the_verdict(parts: list[str]) -> None:
    verdict(compile_config(ALL), "".join(parts))


@pytest.mark.parametrize(
    "content",
    [
        *("a" * 4000, "." * 4000, "a." * 2000, "!" * 4000, "a!" * 2000, "@" * 4000, "4a5s" * 1000),
        *("https://" + "@" * 3990, "https://a@" * 400, "a(.)" * 1000, "www." * 1000, "x." * 1990 + "com"),
        *("a\u0301" * 2000, "a\u200b" * 2000, "👩\u200d" * 2000, "\U0001f3f4" + "\U000e0067" * 3999),
        *(
            "a " * 2000,
            "a.b." * 1000,
            "$ " * 2000,
            "a$" * 2000,
            "é " * 2000,
            "|a" * 2000,
            "a   " * 1000 + "b",
        ),
        *("discord.gg" + "/." * 1990, "discord.gg/" + "x/../" * 790, "discord.gg/x/../ " * 230),
        *("discord . gg / " * 266, "%64" * 1333, "*_~|`" * 800, "https://a.münchen.de " * 190),
    ],
)
def test_the_longest_hostile_messages_come_to_an_end(content: str) -> None:
    verdict(compile_config(ALL), content)


@pytest.mark.parametrize("rule", OFFENCES)
def test_each_rule_finds_its_offence_and_only_when_it_is_on(rule: str) -> None:
    chosen = getattr(ALL, rule)
    only = compile_config(msgspec.structs.replace(AutomodConfig(), **{rule: chosen}))
    hit = verdict(only, OFFENCES[rule])
    assert hit is not None
    assert hit.rule == Rule(rule)
    off = msgspec.structs.replace(chosen, enabled=False)
    silent = compile_config(msgspec.structs.replace(AutomodConfig(), **{rule: off}))
    assert verdict(silent, OFFENCES[rule]) is None


@pytest.mark.parametrize("rule", OFFENCES)
@settings(max_examples=20)
@given(
    exempt=st.sets(SNOWFLAKES, min_size=1, max_size=5), others=st.sets(SNOWFLAKES, max_size=5), data=st.data()
)
def test_an_exempt_role_never_hits(
    rule: str, exempt: set[int], others: set[int], data: st.DataObject
) -> None:
    rules = msgspec.structs.replace(getattr(ALL, rule), exempt_roles=tuple(Snowflake(one) for one in exempt))
    compiled = compile_config(msgspec.structs.replace(AutomodConfig(), **{rule: rules}))
    held = data.draw(st.sampled_from(sorted(exempt)))
    assert verdict(compiled, OFFENCES[rule], author_role_ids=frozenset(others | {held})) is None
    assert verdict(compiled, OFFENCES[rule], author_role_ids=frozenset(others - exempt)) is not None


@pytest.mark.parametrize("place", ["channel_id", "parent_id", "category_id"])
def test_an_exempt_channel_covers_its_threads_and_a_category_its_channels(place: str) -> None:
    compiled = compiled_with("words", words=("spam",), exempt_channels=(Snowflake(7),))
    facts = {"content": "spam", "channel_id": 1, place: 7}
    assert evaluate(compiled, MessageFacts(**facts)) is None
    assert evaluate(compiled, MessageFacts(**(facts | {place: 8}))) is not None


def test_nothing_enabled_is_nothing_to_do() -> None:
    assert not is_active(AutomodConfig())
    assert compile_config(AutomodConfig()).rules == ()
    assert verdict(compile_config(AutomodConfig()), OFFENCES["words"]) is None


@pytest.mark.parametrize("rule", [rule.value for rule in Rule])
def test_one_rule_is_enough_to_be_active(rule: str) -> None:
    assert is_active(config_with(rule))


def test_every_rule_is_a_field_of_the_settings() -> None:
    assert [rule.value for rule in Rule] == list(AutomodConfig.__struct_fields__)


ACTIONS = st.tuples(st.sampled_from(RuleAction), st.integers(1, 40320))


@given(st.lists(ACTIONS, min_size=3, max_size=3))
def test_the_severest_of_several_offences_counts(actions: list[tuple[RuleAction, int]]) -> None:
    rules = ("words", "links", "caps")
    config = AutomodConfig()
    for rule, (action, minutes) in zip(rules, actions, strict=True):
        chosen = msgspec.structs.replace(getattr(ALL, rule), action=action, duration_minutes=minutes)
        config = msgspec.structs.replace(config, **{rule: chosen})
    hit = verdict(compile_config(config), "SPAM HELLO HTTPS://EVIL.COM SPAM")
    assert hit is not None
    order = list(RuleAction)
    assert order.index(hit.action) == max(order.index(action) for action, _ in actions)
    if hit.duration is not None:
        longest = max(minutes for action, minutes in actions if action is hit.action)
        assert hit.duration == timedelta(minutes=longest)


def test_a_ban_without_end_outweighs_any_other() -> None:
    config = AutomodConfig(
        words=WordsRule(enabled=True, words=("spam",), action=RuleAction.BAN, duration_minutes=525600),
        links=LinksRule(enabled=True, action=RuleAction.BAN, duration_minutes=0),
    )
    hit = verdict(compile_config(config), "spam https://evil.com")
    assert hit is not None
    assert (hit.rule, hit.duration) == (Rule.LINKS, None)


@pytest.mark.parametrize("action", [RuleAction.DELETE, RuleAction.WARN, RuleAction.KICK])
def test_only_timeouts_and_bans_last(action: RuleAction) -> None:
    hit = verdict(compiled_with("words", words=("spam",), action=action, duration_minutes=60), "spam")
    assert hit is not None
    assert hit.duration is None


def test_a_fragment_of_a_pattern_is_what_it_matched() -> None:
    hit = verdict(compiled_with("patterns", patterns=("x{3}", "купить")), "я хочу КУПИТЬ это")
    assert hit is not None
    assert hit.fragment == "КУПИТЬ"


@given(content=in_disguise("free nitro"))
def test_no_disguise_hides_what_a_pattern_means(content: str) -> None:
    assert verdict(compiled_with("patterns", patterns=(r"free\s+nitro",)), content) is not None


def test_a_pattern_for_blanks_does_not_mean_emoji() -> None:
    compiled = compiled_with("patterns", patterns=(r"\s{5}",))
    assert verdict(compiled, "😀" * 9) is None
    assert verdict(compiled, "a     b") is not None


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("edited_at", "stale"),
    [
        (None, True),
        (NOW, False),
        (NOW - timedelta(seconds=60), False),
        (NOW - timedelta(seconds=61), True),
        (NOW + timedelta(seconds=5), False),  # Discord's clock may run ahead of ours
    ],
)
def test_only_the_authors_own_edits_are_judged(edited_at: datetime | None, stale: bool) -> None:
    assert is_stale_edit(edited_at, NOW) is stale


@pytest.mark.parametrize("bit", [1, 2, 3, 5, 13, 40])
def test_moderators_and_above_are_staff(bit: int) -> None:
    assert is_staff(1 << bit | 1 << 11)


def test_ordinary_permissions_make_no_staff() -> None:
    # View, send, embed, attach, react, history, mention everyone, external emoji, slash commands.
    ordinary = sum(1 << bit for bit in (6, 10, 11, 14, 15, 16, 17, 18, 31))
    assert not is_staff(ordinary)
    assert not is_staff(0)
