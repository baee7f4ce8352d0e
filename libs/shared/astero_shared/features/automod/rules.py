"""Automod's verdict on one message: pure, linear in the text, and the same for both bots and every caller.

`compile_config` runs when a server's settings change, `evaluate` for every message. The rules are tried from
the severest action down, so that the first hit is the one that counts.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct

from astero_shared.features.automod.caps import breaks_caps, count_letters, may_break_caps
from astero_shared.features.automod.config import (
    AutomodConfig,
    CapsRule,
    EmojiRule,
    InvitesRule,
    LinksRule,
    MentionsRule,
    PatternsRule,
    RuleAction,
    RuleConfig,
    WordsRule,
)
from astero_shared.features.automod.emoji import count_emoji
from astero_shared.features.automod.invites import INVITE_HOSTS, find_invites
from astero_shared.features.automod.links import LinkMatcher
from astero_shared.features.automod.patterns import PatternMatcher
from astero_shared.features.automod.readings import MAX_FRAGMENT, Readings
from astero_shared.features.automod.words import WordMatcher

# An edit that arrives later than this is not the author's keystroke any more but Discord's own rework
# of an old message (an embed that resolved, a thread that was opened).
STALE_AFTER: Final = timedelta(minutes=1)
# Discord's permission bits: Kick, Ban, Administrator, Manage Server, Manage Messages, Moderate Members.
STAFF_PERMISSIONS: Final = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 13 | 1 << 40
_MASS_MENTIONS: Final = 1


class Rule(StrEnum):
    """The names under which cases and the log know the rules; the fields of AutomodConfig."""

    WORDS = "words"
    LINKS = "links"
    INVITES = "invites"
    CAPS = "caps"
    MENTIONS = "mentions"
    EMOJI = "emoji"
    PATTERNS = "patterns"


class MessageFacts(Struct, frozen=True, kw_only=True, gc=False):
    """What a verdict needs of a message; `content` holds forwarded text (message snapshots) as well.

    `parent_id` is a thread's channel or a channel's category, `category_id` that of a thread's channel.
    """

    content: str
    channel_id: int
    parent_id: int | None = None
    category_id: int | None = None
    author_role_ids: frozenset[int] = frozenset()
    mentioned_users: int = 0
    mentioned_roles: int = 0
    mentions_everyone: bool = False
    # Codes known to lead to this server: its vanity code, invites the bot has seen or looked up.
    own_invite_codes: frozenset[str] = frozenset()


class Hit(NamedTuple):
    """`duration` is None for actions without one and for a ban without end.

    `amount` is what was counted: mentions, emoji, or the percentage of capitals.
    `invite_codes`, when not empty, are codes nobody can judge without asking Discord where they lead: if
    all of them turn out to be this server's own, evaluate again with them in `own_invite_codes`.
    """

    rule: Rule
    action: RuleAction
    duration: timedelta | None
    fragment: str
    amount: int | None = None
    invite_codes: tuple[str, ...] = ()


class _Found(NamedTuple):
    fragment: str
    amount: int | None = None
    invite_codes: tuple[str, ...] = ()


_Finder = Callable[[MessageFacts, Readings], _Found | None]


class _CompiledRule(NamedTuple):
    rule: Rule
    find: _Finder
    exempt_roles: frozenset[int]
    exempt_channels: frozenset[int]
    action: RuleAction
    duration: timedelta | None


class CompiledAutomod(NamedTuple):
    """The enabled rules, severest first. Empty when there is nothing to do."""

    rules: tuple[_CompiledRule, ...]


def compile_config(config: AutomodConfig) -> CompiledAutomod:
    """Costs milliseconds with long lists: once per change of the settings, never per message."""
    makers: list[tuple[Rule, RuleConfig, Callable[[], _Finder | None]]] = [
        (Rule.WORDS, config.words, lambda: _words(config.words)),
        (Rule.PATTERNS, config.patterns, lambda: _patterns(config.patterns)),
        (Rule.INVITES, config.invites, lambda: _invites(config.invites)),
        (Rule.LINKS, config.links, lambda: _links(config.links, invites=config.invites.enabled)),
        (Rule.MENTIONS, config.mentions, lambda: _mentions(config.mentions)),
        (Rule.EMOJI, config.emoji, lambda: _emoji(config.emoji)),
        (Rule.CAPS, config.caps, lambda: _caps(config.caps)),
    ]
    rules = [
        _CompiledRule(
            rule=rule,
            find=find,
            exempt_roles=frozenset(settings.exempt_roles),
            exempt_channels=frozenset(settings.exempt_channels),
            action=settings.action,
            duration=_duration(settings),
        )
        for rule, settings, make in makers
        if settings.enabled and (find := make()) is not None
    ]
    # A stable sort: among equals the order above, which names the clearer offence first.
    rules.sort(key=_severity, reverse=True)
    return CompiledAutomod(tuple(rules))


def evaluate(compiled: CompiledAutomod, message: MessageFacts) -> Hit | None:
    """The severest rule this message breaks, or None. Never raises, whatever the text."""
    readings = Readings(message.content)
    for rule in compiled.rules:
        if rule.exempt_channels and (
            message.channel_id in rule.exempt_channels
            or message.parent_id in rule.exempt_channels
            or message.category_id in rule.exempt_channels
        ):
            continue
        if rule.exempt_roles and not rule.exempt_roles.isdisjoint(message.author_role_ids):
            continue
        found = rule.find(message, readings)
        if found is not None:
            return Hit(
                rule=rule.rule,
                action=rule.action,
                duration=rule.duration,
                fragment=found.fragment,
                amount=found.amount,
                invite_codes=found.invite_codes,
            )
    return None


def is_staff(permissions: int) -> bool:
    """Whether automod leaves the member alone: Manage Messages or above, in this channel."""
    return bool(permissions & STAFF_PERMISSIONS)


def is_stale_edit(edited_at: datetime | None, now: datetime) -> bool:
    """Whether a MESSAGE_UPDATE is none of the author's doing: no edit time, or one long past."""
    return edited_at is None or now - edited_at > STALE_AFTER


def _duration(settings: RuleConfig) -> timedelta | None:
    if settings.action not in {RuleAction.TIMEOUT, RuleAction.BAN} or not settings.duration_minutes:
        return None
    return timedelta(minutes=settings.duration_minutes)


def _severity(rule: _CompiledRule) -> tuple[int, float]:
    endless = float("inf") if rule.action is RuleAction.BAN else 0.0
    lasts = rule.duration.total_seconds() if rule.duration else endless
    return list(RuleAction).index(rule.action), lasts


def _words(rule: WordsRule) -> _Finder | None:
    return _matched(WordMatcher(rule.words).find) if rule.words else None


def _patterns(rule: PatternsRule) -> _Finder | None:
    return _matched(PatternMatcher(rule.patterns).find) if rule.patterns else None


def _links(rule: LinksRule, *, invites: bool) -> _Finder:
    return _matched(LinkMatcher(rule.allowed_domains, INVITE_HOSTS if invites else frozenset()).find)


def _matched(match: Callable[[Readings], str | None]) -> _Finder:
    def find(_message: MessageFacts, readings: Readings) -> _Found | None:
        fragment = match(readings)
        return None if fragment is None else _Found(fragment)

    return find


def _invites(rule: InvitesRule) -> _Finder:
    allowed = frozenset(code.lower() for code in rule.allowed_codes)

    def find(message: MessageFacts, readings: Readings) -> _Found | None:
        invites = find_invites(readings)
        if not invites:
            return None
        own = {code.lower() for code in message.own_invite_codes} if rule.allow_own else set[str]()
        foreign = [
            (code, fragment)
            for code, fragment in invites
            if code.lower() not in allowed and code.lower() not in own
        ]
        if not foreign:
            return None
        codes = tuple(code for code, _ in foreign) if rule.allow_own else ()
        return _Found(foreign[0][1], invite_codes=codes)

    return find


def _caps(rule: CapsRule) -> _Finder:
    def find(message: MessageFacts, _readings: Readings) -> _Found | None:
        if not may_break_caps(message.content, percent=rule.percent):
            return None
        letters = count_letters(message.content)
        if not breaks_caps(letters, percent=rule.percent, min_letters=rule.min_letters):
            return None
        return _Found(message.content[:MAX_FRAGMENT], amount=letters.percent)

    return find


def _mentions(rule: MentionsRule) -> _Finder:
    def find(message: MessageFacts, _readings: Readings) -> _Found | None:
        count = message.mentioned_users + message.mentioned_roles
        if message.mentions_everyone:
            count += _MASS_MENTIONS
        return _Found(message.content[:MAX_FRAGMENT], amount=count) if count > rule.limit else None

    return find


def _emoji(rule: EmojiRule) -> _Finder:
    def find(message: MessageFacts, _readings: Readings) -> _Found | None:
        count = count_emoji(message.content)
        return _Found(message.content[:MAX_FRAGMENT], amount=count) if count > rule.limit else None

    return find
