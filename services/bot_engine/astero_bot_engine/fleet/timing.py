"""How often the fleet looks, speaks and lets go. The defaults replace a dead engine within 15 seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds. A dead engine's bots run elsewhere after at most `lease` + `reconcile` + one connection.

    `silent_engine` is when an engine counts as dead for the shares; `margin` is how long before its lease
    ends a bot stops acting, because a call may be on its way for a while.
    """

    lease: float = 10.0
    renew: float = 3.0
    margin: float = 0.5
    silent_engine: float = 10.0
    reconcile: float = 2.0
    save: float = 5.0
    # How often a bot that lacks an intent looks whether its owner has allowed it; a refused leave is retried.
    recheck: float = 60.0
