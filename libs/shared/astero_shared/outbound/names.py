"""Asking the resolver, with a time limit of its own and threads of its own."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

from astero_shared.outbound.prefixes import Address

RESOLVE_SECONDS: Final = 2.0
# A name server that does not answer holds its thread longer than our patience: not those of the event loop.
_THREADS: Final = 48

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


class Resolver:
    """The system's resolver: every address of a name, in its order."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolver")

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Raises OSError (no such name, no answer) or TimeoutError after two seconds."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await loop.run_in_executor(self._threads, _ask, host, port)
        return tuple(dict.fromkeys(map(ip_address, found)))

    def close(self) -> None:
        """Does not wait for name servers that keep silent."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _ask(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(address[0]) for *_, address in found]
