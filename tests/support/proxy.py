"""A TCP line that a test can cut, and that counts how often it was asked and answered."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit


class _Turn:
    """Who spoke last on one connection."""

    near = False


class Line:
    """Forwards to `url`'s host; `through` is the same URL by way of this line.

    `round_trips` counts the times the near side spoke first, or after an answer.
    """

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._server: asyncio.Server
        self._port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._flows: set[asyncio.Task[None]] = set()
        self._cut = False
        self.round_trips = 0

    async def start(self) -> "Line":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    @property
    def through(self) -> str:
        login = self._parts.netloc.rpartition("@")[0]
        return urlunsplit(self._parts._replace(netloc=f"{login}@127.0.0.1:{self._port}"))

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self._cut = True
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        self._cut = False

    async def close(self) -> None:
        self.cut()
        self._server.close()
        for task in self._flows:
            task.cancel()
        await asyncio.gather(*self._flows, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        self._open |= {writer, back}
        turn = _Turn()
        for source, target, near in ((reader, back, True), (there, writer, False)):
            task = asyncio.create_task(self._flow(source, target, turn, near=near))
            self._flows.add(task)
            task.add_done_callback(self._flows.discard)

    async def _flow(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, turn: _Turn, *, near: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                self.round_trips += near and not turn.near
                turn.near = near
                target.write(data)
                await target.drain()
        target.close()
        self._open.discard(target)
