"""What a hosted bot's connection reports: each change of state is one value of one of these types.

Online, Reconnecting and IntentsMissing are reported on the way; TokenInvalid, Fatal and Stopped end it.
"""

from dataclasses import dataclass

from astero_bot_engine.gateway.intents import IntentPlan


@dataclass(frozen=True, slots=True)
class Online:
    """READY or RESUMED arrived. `resumed` tells a kept session from a new one."""

    resumed: bool


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The connection is gone or was never made; the next try follows in `delay` seconds."""

    reason: str
    code: int | None
    delay: float


@dataclass(frozen=True, slots=True)
class IntentsMissing:
    """The bot runs, with fewer intents than its modules need; `plan` says which and where to allow them."""

    plan: IntentPlan


@dataclass(frozen=True, slots=True)
class TokenInvalid:
    """401 from REST or 4004 from the gateway: nothing more is asked with this token."""


@dataclass(frozen=True, slots=True)
class Fatal:
    """A close code that no retry mends: 4010 shard, 4011 sharding required, 4012 version, 4013 intents."""

    code: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """We ended it. `kept` means that the session can still be resumed by another process."""

    kept: bool


FinalOutcome = TokenInvalid | Fatal | Stopped
Outcome = Online | Reconnecting | IntentsMissing | FinalOutcome
