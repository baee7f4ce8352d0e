"""Every outgoing HTTP call of ours starts here: only to the origins named at construction, with time
and size limits, no redirects, no proxy from the environment, no cookies.

Refuses everything else with EgressDeniedError before a socket is opened.
"""

import asyncio
import functools
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from types import TracebackType
from typing import Any, Final, Self

import httpx
from loguru import logger

from astero_shared.errors import AsteroError

USER_AGENT: Final = f"Astero/{version('astero-shared')}"
# Seconds. Discord answers in well under one; three to connect is one lost SYN and its retry.
CONNECT_SECONDS: Final = 3.0
READ_SECONDS: Final = 10.0
TOTAL_SECONDS: Final = 30.0
MAX_CONNECTIONS: Final = 50
MAX_RESPONSE_BYTES: Final = 8 * 1024 * 1024
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


class EgressDeniedError(AsteroError):
    """A call to a place this client was not made for: a fault of ours, never of the user."""

    default_code = "outbound.denied"


class ResponseTooLargeError(httpx.TransportError):
    """The third party sent more than this client accepts, or sent it compressed unasked."""


def create_client(
    *,
    allowed: Iterable[str],
    base_url: str = "",
    headers: Mapping[str, str] | None = None,
    user_agent: str = USER_AGENT,
    read_seconds: float = READ_SECONDS,
    total_seconds: float = TOTAL_SECONDS,
    max_connections: int = MAX_CONNECTIONS,
    max_response_bytes: int = MAX_RESPONSE_BYTES,
    unix_socket: str | None = None,
) -> httpx.AsyncClient:
    """A client that reaches the `allowed` origins (`https://discord.com`, any path is ignored) and no other.

    The caller closes it. Raises ValueError for an origin that is none; calls raise EgressDeniedError,
    ResponseTooLargeError and httpx's own errors. `total_seconds` bounds one call with its body.
    """
    transport = _GuardedTransport(
        httpx.AsyncHTTPTransport(
            verify=public_authorities(),
            trust_env=False,
            uds=unix_socket,
            limits=httpx.Limits(
                max_connections=max_connections,
                max_keepalive_connections=max_connections,
                keepalive_expiry=30.0,
            ),
        ),
        allowed=frozenset(map(origin_of, allowed)),
        total_seconds=total_seconds,
        max_response_bytes=max_response_bytes,
    )
    return httpx.AsyncClient(
        transport=transport,
        base_url=base_url,
        # identity: a few kilobytes of gzip can unpack to gigabytes
        headers={"User-Agent": user_agent, "Accept-Encoding": "identity", **(headers or {})},
        timeout=httpx.Timeout(read_seconds, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
    )


def origin_of(url: str | httpx.URL) -> Origin:
    """(scheme, host, port), lower case, IDNA-encoded, without the root dot. Raises ValueError."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ValueError("not a URL") from None
    host = parsed.raw_host.decode("ascii").rstrip(".")
    if parsed.scheme not in _DEFAULT_PORTS or not host:
        raise ValueError("an origin is http:// or https:// with a host")
    return (parsed.scheme, host, parsed.port or _DEFAULT_PORTS[parsed.scheme])


@functools.cache
def public_authorities() -> ssl.SSLContext:
    """Built once: loading the certificate authorities takes tens of milliseconds."""
    return httpx.create_ssl_context(trust_env=False)


class _GuardedTransport(httpx.AsyncBaseTransport):
    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        allowed: frozenset[Origin],
        total_seconds: float,
        max_response_bytes: int,
    ) -> None:
        self._inner = inner
        self._allowed = allowed
        self._total_seconds = total_seconds
        self._max_response_bytes = max_response_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = origin_of(request.url)
        if origin not in self._allowed or request.url.userinfo:
            logger.bind(host=origin[1], port=origin[2]).error("outbound.denied")
            raise EgressDeniedError
        deadline = time.monotonic() + self._total_seconds
        try:
            async with asyncio.timeout(self._total_seconds):
                response = await self._inner.handle_async_request(request)
        except TimeoutError:
            raise httpx.ReadTimeout("no answer in time", request=request) from None
        encoding = response.headers.get("content-encoding", "identity")
        length = response.headers.get("content-length", "0")
        if encoding != "identity" or (length.isdecimal() and int(length) > self._max_response_bytes):
            await response.aclose()
            raise ResponseTooLargeError("the answer is too large or compressed", request=request)
        stream = _BoundedStream(response.stream, request, self._max_response_bytes, deadline)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=stream,
            extensions=response.extensions,
        )

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._inner.__aexit__(exc_type, exc_value, traceback)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _BoundedStream(httpx.AsyncByteStream):
    """A body that ends at its byte limit and at its deadline, however slowly it drips."""

    def __init__(self, inner: Any, request: httpx.Request, limit: int, deadline: float) -> None:
        self._inner = inner
        self._request = request
        self._limit = limit
        self._deadline = deadline

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for chunk in self._inner:
            received += len(chunk)
            if received > self._limit:
                raise ResponseTooLargeError("the answer is too large", request=self._request)
            # Between chunks only: a single chunk is already bounded by the read timeout.
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout("the answer took too long", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
