"""Intents follow the enabled modules and stop at what the application may have."""

from hypothesis import given
from hypothesis import strategies as st

from astero_bot_engine.gateway.intents import (
    GUILD_MEMBERS,
    GUILD_MESSAGES,
    GUILD_PRESENCES,
    GUILDS,
    MESSAGE_CONTENT,
    PRIVILEGED,
    needed,
    plan_intents,
    plan_of_session,
    without_privileged,
)

CONTENT_FULL, CONTENT_LIMITED = 1 << 18, 1 << 19
MEMBERS_LIMITED = 1 << 15
masks = st.sampled_from([GUILD_MESSAGES, GUILD_MEMBERS, GUILD_PRESENCES, MESSAGE_CONTENT])
modules = st.dictionaries(st.sampled_from(["automod", "greetings", "logs"]), masks)
flags = st.integers(0, 2**24 - 1)


def test_without_modules_only_guilds_are_asked_for() -> None:
    assert plan_intents({}, application_id=1, flags=0).identify == GUILDS


def test_a_missing_intent_names_its_modules_and_the_page_where_it_is_allowed() -> None:
    needs = {"automod": GUILD_MESSAGES | MESSAGE_CONTENT, "greetings": GUILD_MEMBERS}
    plan = plan_intents(needs, application_id=42, flags=MEMBERS_LIMITED)

    assert plan.identify == GUILDS | GUILD_MESSAGES | GUILD_MEMBERS
    assert plan.missing == ("MESSAGE_CONTENT",)
    assert plan.modules == ("automod",)
    assert plan.portal_url == "https://discord.com/developers/applications/42/bot"


def test_either_flag_allows() -> None:
    for flag in (CONTENT_FULL, CONTENT_LIMITED):
        plan = plan_intents({"automod": MESSAGE_CONTENT}, application_id=1, flags=flag)
        assert plan.missing == ()
        assert plan.identify & MESSAGE_CONTENT


@given(needs=modules, flags=flags)
def test_nothing_is_identified_that_was_not_needed_and_nothing_needed_vanishes(
    needs: dict[str, int], flags: int
) -> None:
    plan = plan_intents(needs, application_id=1, flags=flags)
    lost = needed(needs) & ~plan.identify

    assert plan.identify & ~needed(needs) == 0
    assert lost & ~PRIVILEGED == 0
    assert bool(lost) == bool(plan.missing) == bool(plan.modules)


@given(needs=modules, flags=flags)
def test_after_a_refusal_no_privileged_intent_is_left(needs: dict[str, int], flags: int) -> None:
    plan = plan_intents(needs, application_id=1, flags=without_privileged(flags))
    assert plan.identify & PRIVILEGED == 0


@given(needs=modules, flags=flags)
def test_a_resumed_session_misses_what_its_identify_missed(needs: dict[str, int], flags: int) -> None:
    identified = plan_intents(needs, application_id=1, flags=flags)
    resumed = plan_of_session(needs, application_id=1, intents=identified.identify)
    assert resumed == identified
