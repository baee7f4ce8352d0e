"""What somebody did that a guard may act upon: one line whose head fail2ban can trust.

Event and address stand directly behind level and time, before anything that a request had a say in; see
deploy/fail2ban/filter.d/astero.conf, which is anchored there. docs/logging.md says what each event means.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, Literal

from loguru import logger

from astero_shared.networks import bucket_of
from astero_shared.observability.sparing import Sparing

SecurityEventName = Literal[
    "auth.login.failed",
    "auth.mfa.failed",
    "auth.passkey.failed",
    "auth.proof.failed",
    "auth.refresh.reused",
    "auth.token.refused",
    "authz.refused",
    "authz.tenant.refused",
    "ban.refused",
    "csrf.refused",
    "input.refused",
    "internal.refused",
    "limit.refused",
    "ssrf.refused",
]

FIELD: Final = "security_event"
SPARING: Final = Sparing()
"""Of this process: a request of an attacker must not buy a line each."""
_NOBODY: Final = "-"


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """A value that only `log_security_event` makes: no text of a request can pass for one."""

    event: SecurityEventName
    ip: str | None


def log_security_event(event: SecurityEventName, *, ip: str | None, **fields: Any) -> None:
    """A warning named `event` about the client at `ip`, an address as client_ip made it; None: there is none.

    Of IPv6 the /64 is named, which is what a ban shuts out: fail2ban counts by what it reads here, and who
    tries from a new address of the same /64 each time would never be counted twice.

    Ten a minute and address are written; the next one says in `leftOut` how many were not.
    """
    try:
        canonical = None if ip is None else bucket_of(str(ip_address(ip)))
    except ValueError:
        # nobody is banned for it, and nothing of it is repeated
        canonical = None
    left_out = SPARING.admit(event, canonical or _NOBODY)
    if left_out is None:
        return
    if left_out:
        fields["leftOut"] = left_out
    logger.bind(**fields, **{FIELD: SecurityEvent(event, canonical)}).warning(event)
