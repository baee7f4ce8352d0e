"""The outermost ASGI wrapper: what holds for every answer, also for those the framework makes itself.

Gives the request its id, answers HEAD from GET, hides `/internal` however it is spelled and the refresh token
where it is of no use, counts what was never routed, sets the headers, and turns whatever still escapes into a
500 problem.
"""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from litestar import Litestar
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from loguru import logger

from astero_api.web.client_ip import client_ip
from astero_api.web.context import CONTEXT_KEY, RequestContext
from astero_api.web.cookies import drop_refresh_cookie
from astero_api.web.language import language_of
from astero_api.web.limits import UNROUTED
from astero_api.web.problems import MalformedError, problem_for
from astero_api.web.rate_limit import BannedError, LimitExceededError, RateLimiter
from astero_api.web.security_headers import Header, security_headers, with_security_headers
from astero_shared.errors import NotFoundError
from astero_shared.ids import new_id
from astero_shared.networks import Network, bucket_of
from astero_shared.observability import logs
from astero_shared.observability.security_events import log_security_event
from astero_shared.problems import MEDIA_TYPE

_DECODE_ROUNDS: Final = 4
# no dots, no escapes, no doubled slashes: what every address of ours looks like
_PLAIN: Final = re.compile(r"(?:/[A-Za-z0-9_-]+)+/?")
_SLASHES: Final = re.compile(r"[/\\;]+")
_ID: Final = re.compile(r"[0-9]{1,20}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_internal(path: str) -> bool:
    """Whether `path` could be read as lying under /internal by any server or proxy behind or before us."""
    if _PLAIN.fullmatch(path):
        return path.casefold().startswith("/internal")
    decoded = path
    for _ in range(_DECODE_ROUNDS):
        decoded = unquote(decoded, errors="replace")
    steps: list[str] = []
    for step in _SLASHES.split(decoded.casefold()):
        name = step.strip()
        if name == "..":
            del steps[-1:]
        elif name not in {"", "."}:
            steps.append(name)
    return bool(steps) and steps[0].startswith("internal")


def _names_its_host(scope: HTTPScope) -> bool:
    """RFC 9112 section 3.2: of two hosts, what stands before us could take another than we do."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    # Granian adds an empty one where there is none
    return len(hosts) == 1 and (hosts != [b""] or scope["http_version"] < "1.1")


class _Places:
    """Addresses as lines and reports show them: words of our routes, and ids. Anything may be typed there."""

    def __init__(self, app: Litestar) -> None:
        self._words = {step for route in app.routes for step in route.path.split("/")}

    def shown(self, path: str) -> str:
        steps = path.split("/")
        return "/".join(step if step in self._words or _ID.fullmatch(step) else "*" for step in steps)


class Edge:
    """Wraps the Litestar application."""

    def __init__(
        self, app: Litestar, *, limiter: RateLimiter, trusted: Sequence[Network], hsts_preload: bool
    ) -> None:
        self.litestar = app
        self._places = _Places(app)
        self._app: ASGIApp = app
        self._limiter = limiter
        self._trusted = trusted
        self._headers = security_headers(preload=hsts_preload)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            # closing before accepting is answered as 403 by the server (ASGI specification)
            await send({"type": "websocket.close", "code": 1000, "reason": None})
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        context = RequestContext(str(new_id()), client_ip(scope, self._trusted))
        scope[CONTEXT_KEY] = context  # pyright: ignore[reportGeneralTypeIssues]
        reply = _Reply(scope, context, send, self._limiter, self._headers)
        drop_refresh_cookie(scope)
        if reply.without_body:
            scope["method"] = "GET"  # pyright: ignore[reportGeneralTypeIssues]
        try:
            place = self._places.shown(scope["path"])
            with logs.request(context.request_id, method=scope["method"], url=place):
                if is_internal(scope["path"]):
                    log_security_event("internal.refused", ip=context.client_ip)
                    await reply.send_problem(NotFoundError())
                elif not _names_its_host(scope):
                    await reply.send_problem(MalformedError())
                else:
                    await self._app(scope, receive, reply.send)
        except Exception as error:
            if reply.started:
                logger.opt(exception=error).error("answer broke off", reqId=context.request_id)
                raise
            await reply.send_problem(error)


class _Reply:
    """The sending side of one request."""

    def __init__(
        self,
        scope: HTTPScope,
        context: RequestContext,
        send: Send,
        limiter: RateLimiter,
        headers: tuple[Header, ...],
    ) -> None:
        self._headers = headers
        self._scope = scope
        self._context = context
        self._send = send
        self._limiter = limiter
        self._dropped = False
        self.without_body = scope["method"] == "HEAD"
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if not self._context.limited:
                await self._count_unrouted()
            if self._dropped:
                return
            self.started = True
            message["headers"] = with_security_headers(
                list(message["headers"]),
                (b"x-request-id", self._context.request_id.encode("ascii")),
                *self._context.headers,
                ours=self._headers,
                page_nonce=self._context.page_nonce,
                lasts=self._context.lasts,
            )
        elif self._dropped:
            return
        elif message["type"] == "http.response.body" and self.without_body:
            message["body"] = b""
        await self._send(message)

    async def _count_unrouted(self) -> None:
        """404 and 405 cost as much to answer as anything else; the refusal takes the place of the answer."""
        context = self._context
        context.limited = True
        try:
            context.headers += await self._limiter.charge(
                address=bucket_of(context.client_ip), user=None, limit=UNROUTED
            )
        except (LimitExceededError, BannedError) as error:
            if isinstance(error, LimitExceededError):
                context.headers += error.headers
            await self.send_problem(error)
            self._dropped = True

    async def send_problem(self, error: Exception) -> None:
        problem, headers = problem_for(error, self._context, language_of(self._scope))
        body = msgspec.json.encode(problem)
        start: Any = {
            "type": "http.response.start",
            "status": problem.status,
            "headers": [
                (b"content-type", MEDIA_TYPE.encode()),
                (b"content-length", str(len(body)).encode()),
                *headers,
            ],
        }
        await self.send(start)
        last: Any = {"type": "http.response.body", "body": body, "more_body": False}
        await self.send(last)
