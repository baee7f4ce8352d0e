"""Everything one running sandbox Discord consists of, handed to every handler."""

from dataclasses import dataclass, field

from .actions.audit import AuditLog
from .broadcast import Broadcast
from .faults import Faults
from .gateway.hub import Hub
from .interactions.registry import Interactions
from .oauth2.grants import Grants
from .rest.rate_limits import RateLimits
from .settings import Settings
from .traffic import TrafficLog
from .world import World


@dataclass(slots=True)
class Sandbox:
    settings: Settings
    world: World
    hub: Hub = field(default_factory=Hub)
    log: TrafficLog = field(default_factory=TrafficLog)
    faults: Faults = field(default_factory=Faults)
    grants: Grants = field(default_factory=Grants)
    interactions: Interactions = field(default_factory=Interactions)
    limits: RateLimits = field(init=False)
    broadcast: Broadcast = field(init=False)
    audit: AuditLog = field(init=False)

    def __post_init__(self) -> None:
        self.limits = RateLimits(enforce=self.settings.enforce_limits)
        self.broadcast = Broadcast(self.world, self.hub)
        self.audit = AuditLog(self.world, self.broadcast)
