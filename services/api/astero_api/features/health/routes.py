"""Whether this process lives, and whether it can serve."""

from typing import Any, Literal

import msgspec
from litestar import Request, get
from redis.exceptions import RedisError

from astero_api.nudges import ENGINE_ALIVE
from astero_api.web.limits import LIVENESS, PROBE
from astero_api.web.policy import AuditClass, Permission, policy
from astero_shared.clock import utc_now
from astero_shared.features.fleet.reading import LIVE_ENGINES


class LiveOut(msgspec.Struct, frozen=True):
    status: Literal["live"] = "live"


class ReadyOut(msgspec.Struct, frozen=True, rename="camel"):
    """`degraded`: requests are served, but nobody can sign in (no Redis) or no bot runs (no engine)."""

    status: Literal["ready", "degraded"]
    database: Literal["up"]
    redis: Literal["up", "down"]
    engines: int


@get(
    "/api/health/live",
    opt=policy(permission=Permission.PUBLIC, limit=LIVENESS, audit=AuditClass.NONE),
    sync_to_thread=False,
)
def live() -> LiveOut:
    """The process answers; nothing else is asked."""
    return LiveOut()


@get("/api/health/ready", opt=policy(permission=Permission.PUBLIC, limit=PROBE, audit=AuditClass.NONE))
async def ready(request: Request[Any, Any, Any]) -> ReadyOut:
    """The process can serve. 503 when the database cannot be reached."""
    state = request.app.state
    engines = await state.reader.find(LIVE_ENGINES, alive_since=utc_now() - ENGINE_ALIVE)
    try:
        await state.redis.ping()
    except (RedisError, OSError):
        redis = "down"
    else:
        redis = "up"
    whole = redis == "up" and engines > 0
    return ReadyOut(status="ready" if whole else "degraded", database="up", redis=redis, engines=engines)
