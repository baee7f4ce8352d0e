"""What a case may be, and on whom anybody may act."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astero_shared.errors import InvalidError
from astero_shared.features.automod.config import MAX_BAN_MINUTES, MAX_TIMEOUT_MINUTES, RuleAction
from astero_shared.features.cases.config import CasesConfig, Language
from astero_shared.features.cases.rules import (
    MAX_BAN,
    MAX_NOTE,
    MAX_REASON,
    MAX_TIMEOUT,
    TIMED_ACTIONS,
    CaseAction,
    Obstacle,
    Standing,
    case_locale,
    check_duration,
    check_note,
    check_reason,
    may_act_on,
)
from astero_shared.features.modules.fields import find_field
from astero_shared.i18n import LOCALES, text
from astero_shared.problems import in_words

OWNER, BOT, MODERATOR, MEMBER = 1, 2, 3, 4
bot = Standing(BOT, (10, 100))
moderator = Standing(MODERATOR, (5, 200))
member = Standing(MEMBER, (0, 999))
RANKED = [CaseAction.TIMEOUT, CaseAction.KICK, CaseAction.BAN]


def obstacle(
    action: CaseAction, target: Standing, by: Standing | None = moderator, owner_id: int = OWNER
) -> Obstacle | None:
    return may_act_on(action, target=target, bot=bot, owner_id=owner_id, moderator=by)


@pytest.mark.parametrize("action", CaseAction)
def test_an_ordinary_member_can_be_acted_on(action: CaseAction) -> None:
    assert obstacle(action, member) is None
    assert obstacle(action, member, by=None) is None


@pytest.mark.parametrize("action", set(CaseAction) - {CaseAction.NOTE})
def test_nobody_acts_on_the_owner(action: CaseAction) -> None:
    assert obstacle(action, Standing(OWNER, (0, 1))) == "cases.target_is_owner"


@pytest.mark.parametrize("action", CaseAction)
def test_the_bot_never_acts_on_itself(action: CaseAction) -> None:
    assert obstacle(action, bot) == "cases.target_is_bot"
    assert obstacle(action, bot, by=None, owner_id=BOT) == "cases.target_is_bot"


@pytest.mark.parametrize("action", RANKED)
def test_a_moderator_does_not_remove_herself(action: CaseAction) -> None:
    assert obstacle(action, moderator) == "cases.target_is_self"


def test_one_may_warn_and_purge_oneself() -> None:
    assert obstacle(CaseAction.WARN, moderator) is None
    assert obstacle(CaseAction.PURGE, moderator) is None


@pytest.mark.parametrize("action", RANKED)
@pytest.mark.parametrize("top_role", [(10, 100), (11, 5), (10, 99)])
def test_equal_or_higher_roles_than_the_bots_stop_it(action: CaseAction, top_role: tuple[int, int]) -> None:
    assert obstacle(action, Standing(MEMBER, top_role), by=None) == "cases.target_above_bot"


def test_of_two_roles_at_one_position_the_older_stands_above() -> None:
    assert obstacle(CaseAction.KICK, Standing(MEMBER, (10, 101)), by=None) is None
    assert obstacle(CaseAction.KICK, Standing(MEMBER, (5, 201))) is None
    assert obstacle(CaseAction.KICK, Standing(MEMBER, (5, 199))) == "cases.target_above_moderator"


@pytest.mark.parametrize("action", [CaseAction.DELETE, CaseAction.WARN, CaseAction.NOTE])
def test_what_discord_does_not_rank_needs_no_rank_of_the_bot(action: CaseAction) -> None:
    assert obstacle(action, Standing(MEMBER, (99, 1)), by=None) is None


@pytest.mark.parametrize("action", set(CaseAction) - {CaseAction.NOTE})
def test_a_moderator_does_not_act_on_equals(action: CaseAction) -> None:
    assert obstacle(action, Standing(MEMBER, (5, 200))) == "cases.target_above_moderator"


def test_the_owner_outranks_everybody_but_the_bots_limits() -> None:
    owner = Standing(OWNER, (0, 1))
    assert obstacle(CaseAction.KICK, Standing(MEMBER, (9, 1)), by=owner) is None
    assert obstacle(CaseAction.KICK, Standing(MEMBER, (11, 1)), by=owner) == "cases.target_above_bot"


def test_a_bot_that_owns_its_server_has_no_one_above() -> None:
    assert obstacle(CaseAction.BAN, Standing(MEMBER, (99, 1)), by=None, owner_id=BOT) is None


def test_administrators_cannot_be_timed_out_but_kicked() -> None:
    administrator = Standing(MEMBER, (1, 300), permissions=1 << 3)
    assert obstacle(CaseAction.TIMEOUT, administrator) == "cases.target_is_administrator"
    assert obstacle(CaseAction.KICK, administrator) is None


def test_who_left_can_still_be_banned() -> None:
    gone = Standing(MEMBER, (0, 0), is_member=False)
    assert obstacle(CaseAction.BAN, gone) is None
    assert obstacle(CaseAction.UNBAN, gone) is None
    assert obstacle(CaseAction.NOTE, gone) is None
    assert obstacle(CaseAction.KICK, gone) == "cases.target_not_a_member"


STANDINGS = st.builds(
    Standing,
    user_id=st.integers(1, 6),
    top_role=st.tuples(st.integers(0, 4), st.integers(1, 4)),
    permissions=st.sampled_from([0, 1 << 3]),
    is_member=st.booleans(),
)


@given(st.sampled_from(CaseAction), STANDINGS, STANDINGS, st.none() | STANDINGS, st.integers(1, 6))
def test_discord_would_not_refuse_what_is_allowed(
    action: CaseAction, target: Standing, acting: Standing, by: Standing | None, owner_id: int
) -> None:
    found = may_act_on(action, target=target, bot=acting, owner_id=owner_id, moderator=by)
    if found is None and action in RANKED and target.is_member:
        assert target.user_id not in {owner_id, acting.user_id}
        assert acting.user_id == owner_id or target.rank < acting.rank
        assert action is not CaseAction.TIMEOUT or not target.permissions
    if found is not None:
        for locale in LOCALES:
            assert text(f"errors.{found}", locale)


@given(st.sampled_from(CaseAction), st.none() | st.timedeltas())
def test_a_duration_is_within_discords_bounds_or_refused(
    action: CaseAction, duration: timedelta | None
) -> None:
    try:
        checked = check_duration(action, duration)
    except InvalidError as error:
        code, pointer = error.code, error.pointer
    else:
        if checked is not None:
            assert action in TIMED_ACTIONS
            assert timedelta(minutes=1) <= checked <= MAX_BAN
            assert action is not CaseAction.TIMEOUT or checked <= MAX_TIMEOUT
            assert duration is not None
            assert timedelta() <= duration - checked < timedelta(seconds=1)
        else:
            assert duration is None
            assert action is not CaseAction.TIMEOUT
        return
    assert code.startswith("cases.duration_")
    assert pointer == "/durationSeconds"


@pytest.mark.parametrize("action", set(CaseAction) - TIMED_ACTIONS)
def test_only_timeouts_and_bans_have_a_duration(action: CaseAction) -> None:
    with pytest.raises(InvalidError, match="duration_impossible"):
        check_duration(action, timedelta(hours=1))
    assert check_duration(action, None) is None


def test_the_bounds_are_inclusive() -> None:
    assert check_duration(CaseAction.TIMEOUT, MAX_TIMEOUT) == MAX_TIMEOUT
    with pytest.raises(InvalidError) as caught:
        check_duration(CaseAction.TIMEOUT, MAX_TIMEOUT + timedelta(seconds=1))
    assert in_words(caught.value, "en") == "The duration must be from 1 minute to 28 days."
    with pytest.raises(InvalidError, match="duration_bounds"):
        check_duration(CaseAction.BAN, timedelta(seconds=59))


def test_automods_bounds_are_those_of_cases() -> None:
    assert timedelta(minutes=MAX_TIMEOUT_MINUTES) == MAX_TIMEOUT
    assert timedelta(minutes=MAX_BAN_MINUTES) == MAX_BAN
    assert {action.value for action in RuleAction} <= {action.value for action in CaseAction}
    usual = find_field("cases", "defaultTimeoutMinutes", "en")
    assert usual is not None
    assert usual.maximum == MAX_TIMEOUT_MINUTES
    assert check_duration(CaseAction.TIMEOUT, timedelta(minutes=CasesConfig().default_timeout_minutes))


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("\u200b\u200b", None),
        ("\u3164", None),
        ("👩\u200d💻", "👩\u200d💻"),
        (" spam ", "spam"),
        ("e\u0301te\u0301", "été"),
        ("x" * 512, "x" * 512),
    ],
)
def test_a_reason_is_stored_trimmed_and_composed(given: str | None, stored: str | None) -> None:
    assert check_reason(given, required=False) == stored


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("x" * 513, "cases.reason_long"),
        ("a\nb", "cases.control_characters"),
        ("a\x00b", "cases.control_characters"),
        ("a\u2028b", "cases.control_characters"),
        ("a\ud800b", "cases.control_characters"),
        ("a\x85b", "cases.control_characters"),
    ],
)
def test_a_reason_fits_discords_audit_log(given: str, code: str) -> None:
    with pytest.raises(InvalidError) as caught:
        check_reason(given, required=False)
    assert (caught.value.code, caught.value.pointer) == (code, "/reason")


@pytest.mark.parametrize("given", [None, "", " \t", "\u200b\u200b", "\u202e", "\u3164", "\u2800 \ufeff"])
def test_a_required_reason_must_be_there(given: str | None) -> None:
    with pytest.raises(InvalidError) as caught:
        check_reason(given, required=True)
    assert in_words(caught.value, "fr") == "Un motif est obligatoire sur ce serveur."


@given(st.none() | st.text(st.characters(), max_size=600), st.booleans())
def test_any_reason_is_storable_or_refused(reason: str | None, required: bool) -> None:
    try:
        checked = check_reason(reason, required=required)
    except InvalidError:
        return
    assert checked is None or 1 <= len(checked) <= MAX_REASON
    assert checked == check_reason(checked, required=False)
    (checked or "").encode()


def test_a_note_may_have_lines() -> None:
    assert check_note(" a\r\nb\tc ") == "a\nb\tc"
    assert check_note("  ") is None
    assert check_note("\u200b\n\u3164") is None
    for bad in ("x" * (MAX_NOTE + 1), "a\x00", "a\rb"):
        with pytest.raises(InvalidError):
            check_note(bad)


@pytest.mark.parametrize(
    ("language", "guild_locale", "spoken"),
    [
        (Language.AUTO, "fr", "fr"),
        (Language.AUTO, "en-US", "en"),
        (Language.AUTO, "de", "en"),
        (Language.AUTO, None, "en"),
        (Language.EN, "fr", "en"),
        (Language.FR, "en-US", "fr"),
    ],
)
def test_the_log_speaks_the_servers_language(
    language: Language, guild_locale: str | None, spoken: str
) -> None:
    assert case_locale(language, guild_locale) == spoken


@pytest.mark.parametrize("action", CaseAction)
def test_every_action_has_a_name(action: CaseAction) -> None:
    for locale in LOCALES:
        assert text(f"cases.actions.{action.value}", locale)
