"""What a moderation case may be: its actions, durations and reasons, and on whom anybody may act.

Pure questions, asked by automod, the slash commands and the api alike, so that all three answer the same.
"""

import unicodedata
from datetime import timedelta
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from astero_shared.errors import InvalidError
from astero_shared.features.cases.config import CasesConfig, Language
from astero_shared.i18n import Locale, nearest_locale
from astero_shared.visibility import is_visible

# Discord: a timeout ends at most 28 days ahead; an audit log reason has 1 to 512 characters.
MAX_TIMEOUT: Final = timedelta(days=28)
MAX_BAN: Final = timedelta(days=365)
MIN_DURATION: Final = timedelta(minutes=1)
MAX_REASON: Final = 512
MAX_NOTE: Final = 2000
_ADMINISTRATOR: Final = 1 << 3


class CaseAction(StrEnum):
    NOTE = "note"
    WARN = "warn"
    DELETE = "delete"
    TIMEOUT = "timeout"
    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    PURGE = "purge"


# The member hears of these; the others concern the message, the channel or the moderators.
NOTIFIED_ACTIONS: Final = frozenset({CaseAction.WARN, CaseAction.TIMEOUT, CaseAction.KICK, CaseAction.BAN})
TIMED_ACTIONS: Final = frozenset({CaseAction.TIMEOUT, CaseAction.BAN})
# What Discord lets a bot do only to members below its own highest role.
_RANKED_ACTIONS: Final = frozenset({CaseAction.TIMEOUT, CaseAction.KICK, CaseAction.BAN})

# What Discord asks of a moderator for the same act by hand: Moderate, Kick or Ban Members, Manage Messages.
REQUIRED_PERMISSION: Final[dict[CaseAction, int]] = {
    CaseAction.NOTE: 1 << 40,
    CaseAction.WARN: 1 << 40,
    CaseAction.TIMEOUT: 1 << 40,
    CaseAction.KICK: 1 << 1,
    CaseAction.BAN: 1 << 2,
    CaseAction.UNBAN: 1 << 2,
    CaseAction.PURGE: 1 << 13,
}

Obstacle = Literal[
    "cases.target_is_self",
    "cases.target_is_bot",
    "cases.target_is_owner",
    "cases.target_is_administrator",
    "cases.target_above_bot",
    "cases.target_above_moderator",
    "cases.target_not_a_member",
]


class Standing(NamedTuple):
    """A person's place in a server. `top_role` is the (position, id) of the highest role.

    Two roles may share a position; the one with the lower id then stands above.
    """

    user_id: int
    top_role: tuple[int, int]
    permissions: int = 0
    is_member: bool = True

    @property
    def rank(self) -> tuple[int, int]:
        position, role_id = self.top_role
        return position, -role_id


def may_act_on(
    action: CaseAction,
    *,
    target: Standing,
    bot: Standing,
    owner_id: int,
    moderator: Standing | None = None,
) -> Obstacle | None:
    """Why the action must not be tried on the target, or None. `moderator` is None for automod.

    The answers are codes of errors and of failed cases; the catalogue says them to a reader.
    """
    if target.user_id == bot.user_id:
        return "cases.target_is_bot"
    if action is CaseAction.NOTE:
        return None
    if moderator is not None and target.user_id == moderator.user_id and action in _RANKED_ACTIONS:
        return "cases.target_is_self"
    if target.user_id == owner_id:
        return "cases.target_is_owner"
    if not target.is_member:
        # Bans reach people who are not there and hold no rank; nothing else does.
        outside = action in {CaseAction.BAN, CaseAction.UNBAN}
        return None if outside else "cases.target_not_a_member"
    return _outranked(action, target, bot=bot, owner_id=owner_id, moderator=moderator)


def _outranked(
    action: CaseAction,
    target: Standing,
    *,
    bot: Standing,
    owner_id: int,
    moderator: Standing | None,
) -> Obstacle | None:
    if action is CaseAction.TIMEOUT and target.permissions & _ADMINISTRATOR:
        return "cases.target_is_administrator"
    if action in _RANKED_ACTIONS and target.rank >= bot.rank and bot.user_id != owner_id:
        return "cases.target_above_bot"
    if moderator is None or moderator.user_id in {owner_id, target.user_id}:
        return None
    return "cases.target_above_moderator" if target.rank >= moderator.rank else None


def check_duration(action: CaseAction, duration: timedelta | None) -> timedelta | None:
    """The duration as the case will have it. None is a ban without end; InvalidError says the bounds."""
    if action not in TIMED_ACTIONS:
        if duration is not None:
            raise InvalidError(code="cases.duration_impossible", pointer="/durationSeconds")
        return None
    if duration is None:
        if action is CaseAction.TIMEOUT:
            raise InvalidError(code="cases.duration_missing", pointer="/durationSeconds")
        return None
    longest = MAX_TIMEOUT if action is CaseAction.TIMEOUT else MAX_BAN
    if not MIN_DURATION <= duration <= longest:
        raise InvalidError(
            code="cases.duration_bounds", params={"days": longest.days}, pointer="/durationSeconds"
        )
    # Discord and our rows count whole seconds.
    return timedelta(seconds=int(duration.total_seconds()))


def check_reason(reason: str | None, *, required: bool) -> str | None:
    """The reason as it is stored: trimmed, NFC, None if it shows nothing; InvalidError if unfit.

    Its 512 characters are what Discord's audit log takes; the header it travels in takes no line breaks.
    """
    cleaned = unicodedata.normalize("NFC", reason or "").strip()
    if not is_visible(cleaned) and not _has_controls(cleaned, allowed=""):
        if required:
            raise InvalidError(code="cases.reason_missing", pointer="/reason")
        return None
    if len(cleaned) > MAX_REASON:
        raise InvalidError(code="cases.reason_long", params={"max": MAX_REASON}, pointer="/reason")
    if _has_controls(cleaned, allowed=""):
        raise InvalidError(code="cases.control_characters", pointer="/reason")
    return cleaned


def needs_reason(action: CaseAction, config: CasesConfig) -> bool:
    """A note is itself what the moderators should know."""
    return config.require_reason and action is not CaseAction.NOTE


def check_note(note: str | None) -> str | None:
    """The moderators' internal note: like a reason, but longer and in several lines."""
    cleaned = unicodedata.normalize("NFC", note or "").replace("\r\n", "\n").strip()
    if not is_visible(cleaned) and not _has_controls(cleaned, allowed="\n\t"):
        return None
    if len(cleaned) > MAX_NOTE:
        raise InvalidError(code="cases.note_long", params={"max": MAX_NOTE}, pointer="/internalNote")
    if _has_controls(cleaned, allowed="\n\t"):
        raise InvalidError(code="cases.control_characters", pointer="/internalNote")
    return cleaned


def case_locale(language: Language, guild_locale: str | None) -> Locale:
    """The language of a server's log channel; `guild_locale` is Discord's `preferred_locale`."""
    match language:
        case Language.EN:
            return "en"
        case Language.FR:
            return "fr"
        case Language.AUTO:
            return nearest_locale(guild_locale)


def _has_controls(value: str, *, allowed: str) -> bool:
    # Cc control, Cs lone surrogate, Zl and Zp line and paragraph separator.
    return any(
        unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} and char not in allowed for char in value
    )
