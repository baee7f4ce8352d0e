"""Automod's settings: six rules and the server's own patterns, each off until somebody switches it on.

Values are stored as they will be used: domains as host names, words trimmed, nothing twice.
"""

from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import astuple, force_setattr

from astero_shared.features.automod.domains import normalise_domain
from astero_shared.features.automod.patterns import check_patterns
from astero_shared.features.modules.options import ChannelId, OptionError, RoleId
from astero_shared.visibility import is_visible

# Discord refuses a timeout that ends more than 28 days ahead.
MAX_TIMEOUT_MINUTES = 28 * 24 * 60
MAX_BAN_MINUTES = 365 * 24 * 60
# Discord's own AutoMod allows 60 characters a keyword and 260 a pattern; one habit for both.
MAX_WORD_LENGTH = 60
MAX_PATTERN_LENGTH = 260

Domain = Annotated[str, Meta(min_length=1, max_length=253)]
Word = Annotated[str, Meta(min_length=1, max_length=MAX_WORD_LENGTH)]
Pattern = Annotated[str, Meta(min_length=1, max_length=MAX_PATTERN_LENGTH)]
InviteCode = Annotated[str, Meta(min_length=2, max_length=100, pattern="^[A-Za-z0-9-]+$")]


class RuleAction(StrEnum):
    """What happens to the author. The message is deleted in every case."""

    DELETE = "delete"
    WARN = "warn"
    TIMEOUT = "timeout"
    KICK = "kick"
    BAN = "ban"


class RuleConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What all rules have in common."""

    enabled: Annotated[bool, Meta(title="On", description="Whether this rule is applied.")] = False
    action: Annotated[
        RuleAction,
        Meta(
            title="Action",
            description="What happens to the author. The message is always deleted.",
        ),
    ] = RuleAction.DELETE
    duration_minutes: Annotated[
        int,
        Meta(
            ge=0,
            le=MAX_BAN_MINUTES,
            title="Duration in minutes",
            description="How long a timeout or a ban lasts. A timeout lasts 1 to 40320 minutes"
            " (28 days). A ban of 0 minutes has no end.",
        ),
    ] = 60
    exempt_roles: Annotated[
        tuple[RoleId, ...],
        Meta(
            max_length=50,
            title="Exempt roles",
            description="Members with one of these roles are left alone.",
        ),
    ] = ()
    exempt_channels: Annotated[
        tuple[ChannelId, ...],
        Meta(
            max_length=50,
            title="Exempt channels",
            description="Channels, categories and their threads where the rule does not apply.",
        ),
    ] = ()

    def __post_init__(self) -> None:
        lasts = 1 <= self.duration_minutes <= MAX_TIMEOUT_MINUTES
        if self.action is RuleAction.TIMEOUT and not lasts:
            raise OptionError(("durationMinutes",), "config.timeout_length", max=MAX_TIMEOUT_MINUTES)
        _set_unique(self, "exempt_roles", list(self.exempt_roles))
        _set_unique(self, "exempt_channels", list(self.exempt_channels))


def _set_unique(rule: RuleConfig, field: str, values: list[Any]) -> None:
    # Written once, while the Struct is being built; order stays as given.
    force_setattr(rule, field, tuple(dict.fromkeys(values)))


class WordsRule(RuleConfig, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    words: Annotated[
        tuple[Word, ...],
        Meta(
            max_length=500,
            title="Words and phrases",
            description="Matched as whole words, whatever the case, accents, look-alike letters or"
            " invisible characters. A * at the start or the end stands for any letters: spam*.",
        ),
    ] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        words = [" ".join(word.split()) for word in self.words]
        for index, word in enumerate(words):
            bare = word.strip("*").strip()
            if not is_visible(bare):
                raise OptionError(("words", index), "config.word_empty")
            if "*" in bare or word.startswith("**") or word.endswith("**"):
                raise OptionError(("words", index), "config.word_star")
        _set_unique(self, "words", words)


class LinksRule(RuleConfig, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    allowed_domains: Annotated[
        tuple[Domain, ...],
        Meta(
            max_length=200,
            title="Allowed domains",
            description="Links to these domains and their subdomains stay. Server invites have"
            " their own rule.",
        ),
    ] = ("discord.com", "discordapp.com", "discordapp.net", "tenor.com")

    def __post_init__(self) -> None:
        super().__post_init__()
        domains: list[str] = []
        for index, given in enumerate(self.allowed_domains):
            domain = normalise_domain(given)
            if domain is None:
                raise OptionError(("allowedDomains", index), "config.domain")
            domains.append(domain)
        _set_unique(self, "allowed_domains", domains)


class InvitesRule(RuleConfig, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    allow_own: Annotated[
        bool,
        Meta(title="Allow our own invites", description="Invites to this server stay."),
    ] = True
    allowed_codes: Annotated[
        tuple[InviteCode, ...],
        Meta(
            max_length=100,
            title="Allowed invites",
            description="The codes of invites to partner servers that stay: in discord.gg/abc it is abc.",
        ),
    ] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        _set_unique(self, "allowed_codes", list(self.allowed_codes))


class CapsRule(RuleConfig, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    percent: Annotated[
        int,
        Meta(
            ge=1,
            le=99,
            title="Capital letters in percent",
            description="A message with a larger share of capital letters breaks the rule.",
        ),
    ] = 70
    min_letters: Annotated[
        int,
        Meta(
            ge=1,
            le=2000,
            title="Shortest message",
            description="Messages with fewer letters are left alone.",
        ),
    ] = 10


class MentionsRule(RuleConfig, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    limit: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            title="Mentions allowed",
            description="More different members and roles in one message break the rule."
            " @everyone and @here count as one.",
        ),
    ] = 5


class EmojiRule(RuleConfig, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    limit: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            title="Emoji allowed",
            description="More emoji in one message break the rule. The server's own emoji count.",
        ),
    ] = 10


class PatternsRule(RuleConfig, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    patterns: Annotated[
        tuple[Pattern, ...],
        Meta(
            max_length=25,
            title="Patterns",
            description="Regular expressions in RE2 syntax, one per entry. Capital and small"
            " letters are the same, and look-alikes are seen through.",
        ),
    ] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        refused = check_patterns(self.patterns)
        if refused is not None:
            index, (kind, params) = refused
            raise OptionError(("patterns", index), f"config.pattern_{kind}", **params)
        _set_unique(self, "patterns", list(self.patterns))


class AutomodConfig(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    words: Annotated[WordsRule, Meta(title="Words", description="Removes messages with words you list.")] = (
        WordsRule()
    )
    links: Annotated[LinksRule, Meta(title="Links", description="Removes messages with links.")] = LinksRule()
    invites: Annotated[
        InvitesRule,
        Meta(title="Invites", description="Removes messages that invite to other servers."),
    ] = InvitesRule()
    caps: Annotated[CapsRule, Meta(title="Capitals", description="Removes messages WRITTEN LIKE THIS.")] = (
        CapsRule()
    )
    mentions: Annotated[
        MentionsRule, Meta(title="Mentions", description="Removes messages that mention many.")
    ] = MentionsRule()
    emoji: Annotated[EmojiRule, Meta(title="Emoji", description="Removes messages flooded with emoji.")] = (
        EmojiRule()
    )
    patterns: Annotated[
        PatternsRule,
        Meta(title="Patterns", description="Removes messages that match your own patterns."),
    ] = PatternsRule()


def is_active(config: AutomodConfig) -> bool:
    """Whether any rule is on: a server where none is costs nothing per message."""
    return any(rule.enabled for rule in astuple(config))
