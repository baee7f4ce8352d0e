"""A Sentry of your own: takes envelopes as Sentry's ingest does, shows the events, and can be told to refuse.

POST /api/{project}/envelope/   as an SDK sends it
GET  /sandbox/events            what arrived, oldest first
POST /sandbox/faults            {status, times, retryAfter?, seconds?}: the next `times` answers
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jinja2
from aiohttp import web

from .envelope import MAX_BYTES, EnvelopeMalformedError, read_events

PROJECT: Final = "1"
KEY: Final = "sandbox"
_KEPT: Final = 200
_KEY: Final = re.compile(r"\bsentry_key=([A-Za-z0-9]+)")
_PAGE: Final = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
    (Path(__file__).parent / "page.html.j2").read_text(encoding="utf-8")
)


@dataclass
class _Fault:
    status: int
    times: int
    retry_after: int | None = None
    seconds: float = 0.0


@dataclass
class _Project:
    events: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    fault: _Fault | None = None


def dsn(base_url: str) -> str:
    """What a service's SENTRY_DSN is for the sandbox at `base_url` (http://host:port)."""
    scheme, _, rest = base_url.partition("://")
    return f"{scheme}://{KEY}@{rest}/{PROJECT}"


def create_app() -> web.Application:
    project = _Project()
    app = web.Application(client_max_size=MAX_BYTES)
    app.add_routes(
        [
            web.get("/", _with(project, _show)),
            web.get("/sandbox/events", _with(project, _list)),
            web.post("/sandbox/faults", _with(project, _break)),
            web.post(f"/api/{PROJECT}/envelope/", _with(project, _take)),
        ]
    )
    return app


def _with(
    project: _Project, handler: Callable[[_Project, web.Request], Awaitable[web.StreamResponse]]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(project, request)

    return handle


async def _take(project: _Project, request: web.Request) -> web.StreamResponse:
    body = await request.read()
    fault = project.fault
    if fault is not None and fault.times > 0:
        fault.times -= 1
        await asyncio.sleep(fault.seconds)
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return web.json_response({"detail": "refused"}, status=fault.status, headers=headers)
    key = _KEY.search(request.headers.get("X-Sentry-Auth", ""))
    if key is None or key[1] != KEY:
        return web.json_response({"detail": "missing authorization information"}, status=403)
    try:
        events = read_events(body)
    except EnvelopeMalformedError as error:
        return web.json_response({"detail": f"invalid event envelope: {error}"}, status=400)
    project.events.extend(events)
    return web.json_response({"id": events[-1].get("event_id")} if events else {})


async def _list(project: _Project, _request: web.Request) -> web.StreamResponse:
    return web.json_response({"events": list(project.events)})


async def _break(project: _Project, request: web.Request) -> web.StreamResponse:
    wanted = await request.json()
    project.fault = _Fault(
        status=int(wanted["status"]),
        times=int(wanted["times"]),
        retry_after=wanted.get("retryAfter"),
        seconds=float(wanted.get("seconds", 0)),
    )
    return web.Response(status=204)


async def _show(project: _Project, _request: web.Request) -> web.StreamResponse:
    page = _PAGE.render(events=list(reversed(project.events)))
    return web.Response(text=page, content_type="text/html")
