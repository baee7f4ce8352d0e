"""Calls to addresses that strangers gave us: one transport, bounded in every direction.

https only, no redirect is followed, no proxy, no cookie, nothing of the environment; three seconds to
connect, ten for all of it, 16 KiB of head and 64 KiB of body. A compressed body is dropped unread: it might
unpack to gigabytes.
"""

import asyncio
import functools
import ssl
from collections.abc import AsyncIterable, Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, cast

import httpcore
import httpx

from astero_shared.networks import Network
from astero_shared.outbound.dialing import (
    MAX_HEAD_BYTES,
    PER_SITE,
    AnswerTooLargeError,
    BlockedError,
    CheckedBackend,
    per_site,
)
from astero_shared.outbound.http import USER_AGENT, public_authorities
from astero_shared.outbound.names import Resolve, Resolver
from astero_shared.outbound.urls import NOWHERE, Allowance, UrlForbiddenError, check_url

TOTAL_SECONDS: Final = 10.0
MAX_BODY_BYTES: Final = 64 * 1024
_SAY_HOW_IT_TRAVELLED: Final = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


def create_stranger_client(
    *,
    own: Iterable[Network] = (),
    allowance: Allowance = NOWHERE,
    resolve: Resolve | None = None,
    tls: ssl.SSLContext | None = None,
    total_seconds: float = TOTAL_SECONDS,
) -> httpx.AsyncClient:
    """A client for URLs of strangers; the caller closes it. `own` are public addresses that lead back to us.

    Certificates are checked against the public authorities, or by `tls`. Where the allowance leads, nobody
    vouches: without `tls` a consumer's own certificate will do there.
    A call with the extension `per_site` goes out while fewer calls than that are open to its network.
    Calls raise BlockedError, CrowdedError, AnswerTooLargeError or httpx's own TransportErrors; the answer has
    been read when it is returned.
    """
    backend = CheckedBackend(
        resolve or Resolver(),
        own=own,
        allowance=allowance,
        loopback_tls=_unverified() if tls is None and allowance else None,
    )
    transport = StrangerTransport(
        backend,
        allowance=allowance,
        tls=tls or public_authorities(),
        total_seconds=total_seconds,
    )
    return httpx.AsyncClient(
        transport=transport,
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Accept": "*/*"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
    )


class StrangerTransport(httpx.AsyncBaseTransport):
    """A new connection for each call: what a name led to a minute ago says nothing of now."""

    def __init__(
        self,
        backend: CheckedBackend,
        *,
        allowance: Allowance,
        tls: ssl.SSLContext,
        total_seconds: float,
    ) -> None:
        self._allowance = allowance
        self._total_seconds = total_seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme != "https" or request.url.userinfo:
            raise BlockedError("only https", request=request)
        try:
            checked = check_url(str(request.url), self._allowance)
        except UrlForbiddenError:
            raise BlockedError("not a public https address", request=request) from None
        if checked.host.encode() != request.url.raw_host:
            raise BlockedError("two readings of one address", request=request)
        places = per_site.set(request.extensions.get("per_site", PER_SITE))
        try:
            async with asyncio.timeout(self._total_seconds):
                return await self._call(request)
        except (TimeoutError, httpcore.TimeoutException):
            raise httpx.ReadTimeout("no answer in time", request=request) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            raise httpx.NetworkError(type(error).__name__, request=request) from None
        finally:
            per_site.reset(places)

    async def _call(self, request: httpx.Request) -> httpx.Response:
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
            )
        )
        try:
            # a second head, behind an interim answer, is not counted where the bytes come in
            if sum(len(name) + len(value) for name, value in answer.headers) > MAX_HEAD_BYTES:
                raise AnswerTooLargeError("the head of the answer is too large", request=request)
            head = httpx.Headers(answer.headers)
            body = bytearray()
            if head.get("content-encoding", "identity").strip().lower() in {"", "identity"}:
                async for chunk in cast("AsyncIterable[bytes]", answer.stream):
                    body += chunk
                    if len(body) > MAX_BODY_BYTES:
                        raise AnswerTooLargeError("the answer is too large", request=request)
        finally:
            await answer.aclose()
        kept = [(name, value) for name, value in answer.headers if name.lower() not in _SAY_HOW_IT_TRAVELLED]
        return httpx.Response(answer.status, headers=kept, content=bytes(body), request=request)

    async def aclose(self) -> None:
        await self._pool.aclose()


@functools.cache
def _unverified() -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
