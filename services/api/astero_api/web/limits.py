"""The named limits, by tier: what a route declares, and the tiers every request meets before its own."""

from dataclasses import dataclass, replace
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Tier:
    """`quota` requests in `seconds`, given back evenly, and no more than `burst` of them at once.

    Without a `burst` the whole quota may come at once. A strict one lets no more than `quota` pass in any
    window of `seconds`. `whose` says what it counts by: the caller is the user where somebody is signed in,
    else the address.
    """

    name: str
    quota: int
    seconds: int
    burst: int | None = None
    strict: bool = False
    whose: Literal["caller", "address", "user"] = "caller"

    @property
    def at_once(self) -> int:
        return self.quota if self.burst is None else self.burst

    def times(self, factor: int) -> "Tier":
        burst = None if self.burst is None else self.burst * factor
        return replace(self, quota=self.quota * factor, burst=burst)


@dataclass(frozen=True, slots=True)
class RouteLimit:
    """A limit that routes share by the name of its first tier; all its tiers must let a request pass.

    `each_route` has every route count for itself. `sign_in` ones count by address where a tier does not say
    otherwise, and are closed without Redis. `cost` is how many ordinary requests one is worth to the tiers
    that every request meets. `paced` ones are let in a few milliseconds apart. Only what must be answered
    however busy the site is goes `past_everyone`.
    """

    tier: Tier
    more: tuple[Tier, ...] = ()
    each_route: bool = False
    sign_in: bool = False
    cost: int = 1
    paced: bool = False
    past_everyone: bool = False

    def tiers(self, *, signed_in: bool) -> tuple[Tier, ...]:
        """Those that count for this caller: where nobody is signed in there is no user to count."""
        return tuple(tier for tier in (self.tier, *self.more) if signed_in or tier.whose != "user")


@dataclass(frozen=True, slots=True)
class Tiers:
    """The tiers of every request.

    `everyone` protects the process from more than it can serve, and is the operator's to set: it has to be
    far above what one address or user may take. `factor` multiplies every limit, a route's too: a load test
    counts like everybody and is not refused. Tiers named in `shadow` count and say what they would refuse,
    and let it pass.
    """

    everyone: Tier = Tier("global", 6000, 60)
    address: Tier = Tier("ip", 300, 60, burst=60)
    user: Tier = Tier("user", 600, 60, burst=120)
    factor: int = 1
    shadow: frozenset[str] = frozenset()


READ: Final = RouteLimit(Tier("read", 120, 60), each_route=True)
WRITE: Final = RouteLimit(Tier("write", 60, 60), each_route=True)
# asks Discord, or moves a whole server's settings
COSTLY: Final = RouteLimit(Tier("costly", 20, 60), cost=10)
PROBE: Final = RouteLimit(Tier("probe", 120, 60), each_route=True)
# who finds the process dead restarts it, which helps nobody while it is only busy
LIVENESS: Final = RouteLimit(Tier("liveness", 120, 60), past_everyone=True)
# what a browser tells of a page that broke its policy: some pages break it dozens of times at once
REPORT: Final = RouteLimit(Tier("report", 20, 60))
# an address nobody serves, or a method nobody takes
UNROUTED: Final = RouteLimit(Tier("unrouted", 120, 60))
MAY_BE_IN_SHADOW: Final = frozenset(
    {"global", "ip", "user"} | {limit.tier.name for limit in (READ, WRITE, COSTLY, PROBE, LIVENESS, UNROUTED)}
)
"""Not those that guard passwords: a rule that is only tried out would leave them open."""

# the security page: 5 login attempts per address in 15 minutes, successes included
LOGIN: Final = RouteLimit(Tier("login", 5, 900, strict=True), sign_in=True, paced=True)
REGISTER: Final = RouteLimit(Tier("register", 20, 3600, strict=True), sign_in=True, paced=True)
# the letters an address may have us write to accounts in a day, whoever they are for
ACCOUNT_MAIL: Final = RouteLimit(Tier("account-mail", 5, 86_400, strict=True), sign_in=True)
ACCOUNT_LINK: Final = RouteLimit(Tier("account-link", 20, 3600, strict=True), sign_in=True)
SESSION: Final = RouteLimit(Tier("session", 60, 60), sign_in=True)
# A code, or a password of somebody who is signed in already: PyPI's figures for second factors. The counters
# are one set for all these routes and follow the user: neither many addresses nor many doors give more tries.
PROOF: Final = RouteLimit(
    Tier("proof", 5, 300, strict=True, whose="user"),
    (
        Tier("proof-hour", 20, 3600, strict=True, whose="user"),
        Tier("proof-day", 50, 86_400, strict=True, whose="user"),
        Tier("proof-ip", 10, 300, strict=True, whose="address"),
        Tier("proof-ip-hour", 50, 3600, strict=True, whose="address"),
    ),
    sign_in=True,
)
