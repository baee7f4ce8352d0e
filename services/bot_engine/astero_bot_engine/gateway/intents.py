"""Which intents a bot identifies with: what its enabled modules need, less what its application may not have.

Decided before IDENTIFY from the application's flags, so that a switched-off privileged intent costs the
modules that need it and never the bot (close code 4014).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

GUILDS: Final = 1 << 0
GUILD_MEMBERS: Final = 1 << 1
GUILD_PRESENCES: Final = 1 << 8
GUILD_MESSAGES: Final = 1 << 9
MESSAGE_CONTENT: Final = 1 << 15

# Without GUILDS there are no guilds, channels or roles to compute permissions from.
ALWAYS: Final = GUILDS

# Privileged intent: its name in the portal, and the application flags that allow it (the full one and the
# one of applications under the review threshold). Discord: resources/application, application flags.
_PRIVILEGED: Final = {
    GUILD_PRESENCES: ("GUILD_PRESENCES", 1 << 12 | 1 << 13),
    GUILD_MEMBERS: ("GUILD_MEMBERS", 1 << 14 | 1 << 15),
    MESSAGE_CONTENT: ("MESSAGE_CONTENT", 1 << 18 | 1 << 19),
}
PRIVILEGED: Final = GUILD_PRESENCES | GUILD_MEMBERS | MESSAGE_CONTENT


@dataclass(frozen=True, slots=True)
class IntentPlan:
    """`identify` is the bit mask to send. `modules` lose something because of `missing`."""

    identify: int
    missing: tuple[str, ...]
    modules: tuple[str, ...]
    portal_url: str


def needed(needs: Mapping[str, int]) -> int:
    """The mask of what the modules in `needs` (module name to intent mask) ask for."""
    mask = ALWAYS
    for intents in needs.values():
        mask |= intents
    return mask


def plan_intents(needs: Mapping[str, int], *, application_id: int, flags: int) -> IntentPlan:
    """Compare the modules' needs with the application's `flags` (GET /applications/@me)."""
    wanted = needed(needs)
    barred = 0
    missing: list[str] = []
    for intent, (name, allowing) in _PRIVILEGED.items():
        if wanted & intent and not flags & allowing:
            barred |= intent
            missing.append(name)
    return IntentPlan(
        identify=wanted & ~barred,
        missing=tuple(missing),
        modules=tuple(sorted(name for name, intents in needs.items() if intents & barred)),
        portal_url=f"https://discord.com/developers/applications/{application_id}/bot",
    )


def plan_of_session(needs: Mapping[str, int], *, application_id: int, intents: int) -> IntentPlan:
    """The plan a resumed session runs under: its intents were decided when it was identified."""
    flags = 0
    for intent, (_, allowing) in _PRIVILEGED.items():
        flags |= allowing if intents & intent else 0
    plan = plan_intents(needs, application_id=application_id, flags=flags)
    return replace(plan, identify=intents)


def without_privileged(flags: int) -> int:
    """The flags as they act after a 4014: Discord has just refused what they claimed to allow."""
    for _, allowing in _PRIVILEGED.values():
        flags &= ~allowing
    return flags
