"""What happened on the wire."""

from typing import Any

from astero_sandbox.discord.traffic import CAPACITY

from .routing import Command, as_id, control


@control("GET", "/log")
async def read_log(command: Command) -> Any:
    """?since=N&limit=M: {entries, next}; go on reading with since=next."""
    since = as_id("since", command.query.get("since", 0))
    limit = as_id("limit", command.query.get("limit", CAPACITY))
    entries, following = command.sandbox.log.since(since, limit=limit)
    return {"entries": entries, "next": following}


@control("GET", "/health")
async def health(command: Command) -> Any:
    """200 as soon as the server answers; how many sockets are open."""
    return {"status": "ok", "connections": len(command.sandbox.hub.connections)}
