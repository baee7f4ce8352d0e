"""The one moment at which it is decided where a stranger's URL leads: when its connection is made.

The name is resolved once, every answer is checked, and a checked address is dialled: nobody resolves again in
between. What is sent inside (SNI, Host) and what the certificate must say stays the name.
"""

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any, Final, cast

import httpcore
import httpx

from astero_shared.networks import Network
from astero_shared.outbound.names import Resolve
from astero_shared.outbound.prefixes import Address, is_public, site_of, unwrapped
from astero_shared.outbound.urls import NOWHERE, Allowance

CONNECT_SECONDS: Final = 3.0
MAX_HEAD_BYTES: Final = 16 * 1024
PER_SITE: Final = 2
ASIDE: Final = 1
"""For whoever is known to be slow: the other place of its network stays free for the others there."""
_MAX_TRIED: Final = 4
# The hook below is not shown the request; it is called in the request's own task.
per_site: Final = ContextVar("per_site", default=PER_SITE)
# Where a head ends: an empty line (RFC 9112, 2.2 lets the CR be missing).
_HEAD_END: Final = re.compile(rb"\n\r?\n")


class BlockedError(httpx.TransportError):
    """The name leads where strangers may not send us. No packet was sent there."""


class CrowdedError(httpx.TransportError):
    """As many calls to this network are under way as may be: try again in a moment."""


class AnswerTooLargeError(httpx.TransportError):
    """The head of an answer has more than 16 KiB, or its body more than 64 KiB."""


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's hook for making connections; it knows TCP to public addresses and nothing else.

    `loopback_tls` replaces the TLS settings where the allowance leads.
    """

    def __init__(
        self,
        resolve: Resolve,
        *,
        own: Iterable[Network] = (),
        allowance: Allowance = NOWHERE,
        loopback_tls: ssl.SSLContext | None = None,
    ) -> None:
        self._resolve = resolve
        self._own = tuple(own)
        self._allowance = allowance
        self._loopback_tls = loopback_tls
        self._open: Counter[Network] = Counter()
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - our own limit holds
        local_address: str | None = None,  # noqa: ARG002 - not used by us
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - not used by us
    ) -> httpcore.AsyncNetworkStream:
        """Raises BlockedError, CrowdedError, or httpcore's ConnectError and ConnectTimeout."""
        addresses = await self._public_addresses(host, port)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self._first_open(addresses, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        del path, timeout, socket_options
        raise BlockedError("no socket of this machine is called")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _public_addresses(self, host: str, port: int) -> Sequence[Address]:
        try:
            found = await self._resolve(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError from None
        # one bad answer spoils all: which of them is dialled would be the stranger's choice
        if not found or not all(self._may_dial(address, port) for address in found):
            raise BlockedError("the name leads to an address that is not public")
        return found[:_MAX_TRIED]

    def _may_dial(self, address: Address, port: int) -> bool:
        return is_public(address, own=self._own) or self._allowance.has(unwrapped(address), port)

    async def _first_open(self, addresses: Sequence[Address], port: int) -> httpcore.AsyncNetworkStream:
        failure: httpcore.ConnectError | None = None
        for address in addresses:
            try:
                return await self._dial(address, port)
            except httpcore.ConnectError as error:
                failure = error
        raise failure or httpcore.ConnectError

    async def _dial(self, address: Address, port: int) -> httpcore.AsyncNetworkStream:
        site = site_of(address)
        if self._open[site] >= per_site.get():
            raise CrowdedError("enough calls to this network are under way")
        self._open[site] += 1
        try:
            stream = await self._inner.connect_tcp(str(address), port)
        except BaseException:
            self._leave(site)
            raise
        # on this machine, where the allowance leads, no authority vouches for anybody
        tls = None if is_public(address, own=self._own) else self._loopback_tls
        bounded = _BoundedStream(stream, leave=lambda: self._leave(site), tls=tls)
        peer = stream.get_extra_info("server_addr")
        if not peer or unwrapped(ip_address(peer[0])) != unwrapped(address):
            await bounded.aclose()
            raise BlockedError("the connection leads elsewhere than it was made to")
        return bounded

    def _leave(self, site: Network) -> None:
        self._open[site] -= 1
        if not self._open[site]:
            del self._open[site]


class _BoundedStream(httpcore.AsyncNetworkStream):
    """Counts what is read until the head is over, and gives its place back when it is closed."""

    def __init__(
        self,
        inner: httpcore.AsyncNetworkStream,
        *,
        leave: Callable[[], None] | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._inner = inner
        self._leave = leave
        self._tls = tls
        self._head = bytearray()
        self._in_head = True

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if not self._in_head:
            return await self._inner.read(max_bytes, timeout)
        left = MAX_HEAD_BYTES - len(self._head)
        if left <= 0:
            raise AnswerTooLargeError("the head of the answer is too large")
        data = await self._inner.read(min(max_bytes, left), timeout)
        self._head += data
        if _HEAD_END.search(self._head):
            self._in_head = False
            self._head.clear()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            inner = await self._inner.start_tls(self._tls or ssl_context, server_hostname, timeout)
        except BaseException:
            # httpcore forgets a stream whose handshake failed
            await self.aclose()
            raise
        leave, self._leave = self._leave, None
        return _BoundedStream(inner, leave=leave, tls=None)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
