"""Whether this process lives, and whether it can serve."""

import msgspec
from litestar import get

from astero_api.web.limits import PROBE
from astero_api.web.policy import AuditClass, Permission, policy


class LiveOut(msgspec.Struct, frozen=True, rename="camel"):
    status: str = "live"


@get(
    "/api/health/live",
    opt=policy(permission=Permission.PUBLIC, limit=PROBE, audit=AuditClass.NONE),
    sync_to_thread=False,
)
def live() -> LiveOut:
    """The process answers; nothing else is asked."""
    return LiveOut()
