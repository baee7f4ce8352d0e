"""Asking the name servers where a stranger's name leads, with a time limit of its own."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final

from dns._asyncio_backend import Backend
from dns.asyncresolver import Resolver as NameServers
from dns.exception import DNSException, Timeout
from dns.resolver import Answer

from astero_shared.outbound.prefixes import Address

RESOLVE_SECONDS: Final = 2.0
_SERVER_SECONDS: Final = 1.0
"""Of the first name server: the next is asked while there is still time."""
_DNS_PORT: Final = 53
_MAX_BYTES: Final = 1232
"""Of an answer: what one datagram holds everywhere (DNS flag day 2020), some seventy addresses."""

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


class Resolver:
    """The name servers of this machine: every address of a name, those of IPv4 first.

    Not the C library's resolver: that holds a thread for each name that nobody answers, long after our
    patience, and asks for strangers' names in /etc/hosts and inside our own domains (`search`).
    """

    def __init__(self, *, file: str = "/etc/resolv.conf", port: int = _DNS_PORT) -> None:
        self._file = file
        self._port = port

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Raises OSError (no such name, no answer) or TimeoutError after two seconds."""
        del port
        with suppress(ValueError):
            return (ip_address(host),)
        try:
            # read anew, as the C library does: the file changes with the network
            servers = NameServers(self._file)
            servers.port, servers.timeout = self._port, _SERVER_SECONDS
            servers.use_edns(0, payload=_MAX_BYTES)
            answers = await asyncio.gather(*(_ask(servers, f"{host}.", kind) for kind in ("A", "AAAA")))
        except Timeout:
            raise TimeoutError from None
        except DNSException as error:
            raise OSError(type(error).__name__) from None
        return tuple(ip_address(record.address) for answer in answers for record in answer)


class _Datagrams(Backend):
    """Answers that want TCP are none: 64 KiB of records take longer to read than others can wait."""

    async def make_socket(self, af: int, socktype: int, *rest: Any, **named: Any) -> Any:
        if socktype != socket.SOCK_DGRAM:
            raise OSError("no answer is taken over TCP")
        return await super().make_socket(af, socktype, *rest, **named)


async def _ask(servers: NameServers, name: str, kind: str) -> Answer:
    return await servers.resolve(
        name, kind, raise_on_no_answer=False, lifetime=RESOLVE_SECONDS, backend=_Datagrams()
    )
