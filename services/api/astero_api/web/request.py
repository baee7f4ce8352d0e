"""The request class: a body reaches a handler only as bytes we measured and a struct we converted."""

import asyncio
from typing import Any, Final

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from astero_api.web.context import header
from astero_api.web.json_body import JSON_BODY, BodyRule, convert_json, parse_json
from astero_api.web.policy import policy_of
from astero_api.web.problems import MalformedError, TooLargeError, TooSlowError

AnyRequest = Request[Any, Any, Any]
"""As handlers take it: users and sessions come as typed proofs, never from the request."""

_BODY_SECONDS: Final = 20.0
_MAX_LENGTH_DIGITS: Final = 12


def _too_large(rule: BodyRule) -> TooLargeError:
    return TooLargeError(sentence="request.body_large", params={"kib": rule.most_bytes // 1024})


class ApiRequest(Request[Any, Any, Any]):
    """Litestar asks `body()` first and then `json()` for a handler that takes `data`."""

    async def body(self) -> bytes:
        if isinstance(self._body, bytes):
            return self._body
        declared = policy_of(self.route_handler)
        rule = JSON_BODY if declared is None else declared.body
        rule.require(header(self.scope, b"content-type"))
        announced = header(self.scope, b"content-length")
        if announced is not None:
            if not announced.isdigit() or len(announced) > _MAX_LENGTH_DIGITS:
                raise MalformedError(sentence="request.length_unreadable")
            if int(announced) > rule.most_bytes:
                raise _too_large(rule)
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                self._body = await self._read(rule)
        except TimeoutError:
            raise TooSlowError(params={"seconds": f"{_BODY_SECONDS:.0f}"}) from None
        if not self._body.strip():
            raise MalformedError(code="request.body_missing")
        return self._body

    async def _read(self, rule: BodyRule) -> bytes:
        # counted as it arrives: a chunked body announces no length
        parts: list[bytes] = []
        size = 0
        while True:
            event = await self.receive()
            if event["type"] != "http.request":
                raise MalformedError(sentence="request.ended_early")
            part = event["body"]
            size += len(part)
            if size > rule.most_bytes:
                raise _too_large(rule)
            parts.append(part)
            if not event.get("more_body", False):
                return b"".join(parts)

    async def json(self) -> Any:
        handler: HTTPRouteHandler = self.route_handler
        field = handler.parsed_data_field
        tree = parse_json(await self.body())
        return convert_json(
            tree,
            Any if field is None else field.annotation,
            dec_hook=handler.default_deserializer,
        )
