"""What somebody did that a guard may act upon: one line whose head fail2ban can trust.

Event and address stand directly behind level and time, before anything that a request had a say in; see
deploy/fail2ban/filter.d/astero.conf, which is anchored there.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal

from loguru import logger

SecurityEventName = Literal["auth.login.failed", "auth.mfa.failed", "auth.refresh.reused"]

FIELD: Final = "security_event"


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """A value that only `log_security_event` makes: no text of a request can pass for one."""

    event: SecurityEventName
    ip: str


def log_security_event(event: SecurityEventName, *, ip: str) -> None:
    """A warning named `event` about the client at `ip`, an address as client_ip made it."""
    try:
        canonical = str(ip_address(ip))
    except ValueError:
        # nobody is banned for it, and nothing of it is repeated
        logger.warning(event)
        return
    logger.bind(**{FIELD: SecurityEvent(event, canonical)}).warning(event)
