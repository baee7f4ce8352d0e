"""Make trouble: cut sockets, close codes, refused sessions, slow and failing REST, outages."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from astero_sandbox.discord.errors import ControlError
from astero_sandbox.discord.faults import Fault
from astero_sandbox.discord.gateway.connection import Connection
from astero_sandbox.discord.gateway.protocol import Op

from .routing import Command, as_id, control

_SHOWN = ("status", "retry_after", "scope", "latency", "timeout", "via", "method", "path")


@control("GET", "/faults")
async def list_faults(command: Command) -> Any:
    """{faults: [...], invalidRequests: {ip: count}}."""
    return {
        "faults": [fault.shown() for fault in command.sandbox.faults.active()],
        "invalidRequests": command.sandbox.limits.invalid_requests(),
    }


@control("POST", "/faults")
async def make_fault(command: Command) -> Any:
    """{kind, applicationId?, …}; without an application it hits all.

    disconnect {code?}           cut the sockets, without a close frame unless a code is given
    close {code}                 the same with a code
    reconnect                    op 7
    invalid_session {resumable}  op 9; not resumable forgets the session
    expire_sessions              forget sessions, so that the next RESUME is refused
    heartbeat                    op 1: ask for a heartbeat now
    rest {method?, path?, status? | latency? | timeout?, retry_after?, scope?, via?, count?, seconds?}
                                 path is a regular expression searched in the path
    gateway_latency {seconds}    every frame this much later; 0 ends it
    heartbeat_silence {seconds?} no ACKs any more
    outage {seconds?}            REST and gateway refuse, open sockets are cut
    clear {only?}                end lasting faults, of one kind or all; forget rate limits
    """
    kind = command.text("kind")
    maker = _MAKERS.get(kind)
    if maker is None:
        raise ControlError(400, "unknown_fault", f"kind must be one of {sorted(_MAKERS)}.")
    return await maker(command)


def _connections(command: Command) -> list[Connection]:
    application_id = _application_id(command)
    return list(command.sandbox.hub.connections_of(application_id))


def _application_id(command: Command) -> int | None:
    application_id = command.optional_id("applicationId")
    return None if application_id is None else command.application(application_id).id


async def _disconnect(command: Command) -> Any:
    hit = _connections(command)
    code = command.body.get("code")
    for connection in hit:
        if code is None:
            connection.cut()
    if code is not None:
        number = as_id("code", code)
        await asyncio.gather(*(connection.close(number) for connection in hit))
    return {"connections": len(hit)}


async def _close(command: Command) -> Any:
    command.body.setdefault("code", 4000)
    return await _disconnect(command)


async def _reconnect(command: Command) -> Any:
    hit = _connections(command)
    for connection in hit:
        connection.send_op(Op.RECONNECT)
    return {"connections": len(hit)}


async def _invalid_session(command: Command) -> Any:
    resumable = command.body.get("resumable", False)
    if not isinstance(resumable, bool):
        raise ControlError(400, "not_a_boolean", "resumable must be true or false.")
    hit = _connections(command)
    if not resumable:
        await _expire_sessions(command)
    for connection in hit:
        connection.send_op(Op.INVALID_SESSION, resumable)
    return {"connections": len(hit)}


async def _expire_sessions(command: Command) -> Any:
    application_id = _application_id(command)
    hub = command.sandbox.hub
    wanted = list(command.sandbox.world.applications) if application_id is None else [application_id]
    gone = [session for item in wanted for session in list(hub.sessions_of(item))]
    for session in gone:
        hub.drop(session)
    return {"sessions": len(gone)}


async def _heartbeat(command: Command) -> Any:
    hit = _connections(command)
    for connection in hit:
        connection.send_op(Op.HEARTBEAT)
    return {"connections": len(hit)}


async def _rest(command: Command) -> Any:
    body = command.body
    if not any(body.get(name) for name in ("status", "latency", "timeout")):
        raise ControlError(400, "missing_field", "One of status, latency or timeout is required.")
    details = {name: body[name] for name in _SHOWN if body.get(name) is not None}
    for name in ("status", "latency", "retry_after"):
        number(name, details.get(name, 0))
    if "status" in details and not 400 <= details["status"] <= 599:  # noqa: PLR2004
        raise ControlError(400, "bad_status", "status must be 400 to 599.")
    if "method" in details:
        details["method"] = str(details["method"]).upper()
    pattern = None
    if "path" in details:
        try:
            pattern = re.compile(str(details["path"]))
        except re.error as error:
            raise ControlError(400, "bad_pattern", f"path: {error}.") from None
    count = body.get("count")
    return _lasting(
        command,
        "rest",
        details=details,
        pattern=pattern,
        count=None if count is None else as_id("count", count),
    )


async def _gateway_latency(command: Command) -> Any:
    seconds = _seconds(command) or 0.0
    for connection in _connections(command):
        connection.latency = seconds
    if not seconds:
        return {"cleared": command.sandbox.faults.clear("gateway_latency")}
    fault = command.sandbox.faults.add(
        "gateway_latency", application_id=_application_id(command), details={"seconds": seconds}
    )
    return fault.shown()


async def _heartbeat_silence(command: Command) -> Any:
    return _lasting(command, "heartbeat_silence")


async def _outage(command: Command) -> Any:
    shown = _lasting(command, "outage")
    for connection in list(command.sandbox.hub.connections):
        connection.cut()
    return shown


async def _clear(command: Command) -> Any:
    only = command.body.get("only")
    cleared = command.sandbox.faults.clear(None if only is None else str(only))
    if only in (None, "gateway_latency"):
        for connection in command.sandbox.hub.connections:
            connection.latency = 0.0
    command.sandbox.limits.forgive()
    return {"cleared": cleared}


def _lasting(command: Command, kind: str, **fields: Any) -> dict[str, Any]:
    seconds = _seconds(command)
    fault: Fault = command.sandbox.faults.add(
        kind,
        application_id=_application_id(command),
        until=None if seconds is None else time.monotonic() + seconds,
        **fields,
    )
    return fault.shown()


def _seconds(command: Command) -> float | None:
    value = command.body.get("seconds")
    return None if value is None else number("seconds", value)


def number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ControlError(400, "not_a_number", f"{name} must be a number, not below 0.")
    return float(value)


_MAKERS: dict[str, Callable[[Command], Awaitable[Any]]] = {
    "disconnect": _disconnect,
    "close": _close,
    "reconnect": _reconnect,
    "invalid_session": _invalid_session,
    "expire_sessions": _expire_sessions,
    "heartbeat": _heartbeat,
    "rest": _rest,
    "gateway_latency": _gateway_latency,
    "heartbeat_silence": _heartbeat_silence,
    "outage": _outage,
    "clear": _clear,
}
