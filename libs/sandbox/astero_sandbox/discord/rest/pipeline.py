"""What every REST call passes through: faults, who calls, limits, the handler, the answer, the log."""

import asyncio
import math
import re
import traceback
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import orjson
from aiohttp import web

from astero_sandbox.discord import errors
from astero_sandbox.discord.errors import DiscordError
from astero_sandbox.discord.sandbox import Sandbox

from .authentication import Caller, authenticate
from .body import read_body
from .rate_limits import Verdict
from .routing import Call, Reply, Route

_INVALID: Final = (401, 403, 429)
_REASON_MAX: Final = 512
# An interaction's token in a path is a secret like any other.
_TOKEN_IN_PATH = re.compile(r"(/(?:interactions|webhooks)/\d+/)[^/]+")


class Pipeline:
    """Builds one aiohttp handler per route."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(route, request)

        return handle

    async def _handle(self, route: Route, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        caller = authenticate(self._sandbox, request, route)
        application_id = None if caller.app is None else caller.app.id
        if (faulty := await self._faulty(request, application_id)) is not None:
            self._log(request, application_id, faulty.status, raw)
            return faulty
        verdict = self._limited(route, request, caller)
        try:
            if verdict.retry_after is not None:
                response = _too_many(verdict)
            else:
                reply = await self._call(route, request, caller)
                response = _answer(reply)
        except DiscordError as refusal:
            response = _json(refusal.status, refusal.body())
        except Exception:  # noqa: BLE001 (told on stderr, answered and logged like any other call)
            traceback.print_exc()
            response = _json(500, {"message": "500: Internal Server Error", "code": 0})
        response.headers.update(verdict.headers())
        if response.status in _INVALID:
            self._sandbox.limits.count_invalid(request.remote or "")
        self._log(request, application_id, response.status, raw)
        return response

    async def _call(self, route: Route, request: web.Request, caller: Caller) -> Any:
        if caller.refused:
            raise errors.unauthorized()
        body, uploads = await read_body(request)
        call = Call(
            sandbox=self._sandbox,
            app=caller.app,
            person=caller.person,
            grant=caller.grant,
            authorization=request.headers.get("Authorization"),
            path=dict(request.match_info),
            query=dict(request.query),
            body=body,
            uploads=uploads,
            reason=_reason(request),
        )
        return await route.handler(call)

    def _limited(self, route: Route, request: web.Request, caller: Caller) -> Verdict:
        major = "".join(
            request.match_info.get(name, "") for name in ("channel_id", "guild_id", "webhook_id", "token")
        )
        return self._sandbox.limits.take(
            caller=caller.key, bucket=route.bucket, major=major, counts_globally=route.is_global
        )

    async def _faulty(self, request: web.Request, application_id: int | None) -> web.StreamResponse | None:
        if self._sandbox.limits.is_banned(request.remote or ""):
            # Cloudflare's answer: no Via header and no JSON.
            return web.Response(status=429, text="error code: 1015", headers={"Retry-After": "60"})
        if self._sandbox.faults.find("outage", None):
            return web.Response(status=503, text="upstream connect error")
        fault = self._sandbox.faults.take_rest(
            application_id=application_id, method=request.method, path=request.path
        )
        return None if fault is None else await _made_up(request, fault.details)

    def _log(self, request: web.Request, application_id: int | None, status: int, raw: bytes) -> None:
        self._sandbox.log.rest(
            application_id=application_id,
            method=request.method,
            path=_TOKEN_IN_PATH.sub(r"\1***", request.path),
            status=status,
            body=_loggable(request, raw),
        )


async def _made_up(request: web.Request, details: dict[str, Any]) -> web.StreamResponse | None:
    """The answer a fault gives; None where it only took its time."""
    await asyncio.sleep(details.get("latency", 0))
    if details.get("timeout"):
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=504)
    status = details.get("status")
    if status is None:
        return None
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _fault_429(details)
    return _json(status, {"message": f"{status}: {HTTPStatus(status).phrase}", "code": 0})


def _loggable(request: web.Request, raw: bytes) -> bytes:
    """A form becomes JSON, so that its secrets can be masked by name; of files only the size is told."""
    if request.content_type == "application/x-www-form-urlencoded":
        return orjson.dumps(dict(parse_qsl(raw.decode(errors="replace"))))
    if request.content_type == "multipart/form-data":
        return orjson.dumps({"multipart": len(raw)})
    return raw


def _reason(request: web.Request) -> str | None:
    """1 to 512 characters, percent-encoded by the client; longer is 50035."""
    header = request.headers.get("X-Audit-Log-Reason")
    if not header:
        return None
    reason = unquote(header)
    if len(reason) > _REASON_MAX:
        raise errors.invalid_form(
            {"reason": errors.field_error("BASE_TYPE_MAX_LENGTH", "Must be 512 or fewer in length.")}
        )
    return reason


def _answer(reply: Any) -> web.Response:
    if isinstance(reply, Reply):
        return _json(reply.status, reply.body)
    return web.Response(status=204) if reply is None else _json(200, reply)


def _json(status: int, body: Any) -> web.Response:
    """Without charset: discord.py compares the header's whole value."""
    if body is None:
        return web.Response(status=status)
    return web.Response(status=status, body=orjson.dumps(body), headers={"Content-Type": "application/json"})


def _too_many(verdict: Verdict) -> web.Response:
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(verdict.retry_after or 0.0, 3),
        "global": verdict.is_global,
        "code": 0,
    }
    response = _json(429, body)
    response.headers["Via"] = "1.1 google"
    return response


def _fault_429(details: dict[str, Any]) -> web.Response:
    retry_after = float(details.get("retry_after", 1.0))
    scope = details.get("scope", "user")
    body = {
        "message": "You are being rate limited.",
        "retry_after": retry_after,
        "global": scope == "global",
        "code": 0,
    }
    response = _json(429, body)
    response.headers["Retry-After"] = str(math.ceil(retry_after))
    response.headers["X-RateLimit-Scope"] = scope
    if scope == "global":
        response.headers["X-RateLimit-Global"] = "true"
    if details.get("via", True):
        response.headers["Via"] = "1.1 google"
    return response
