"""Serves the page and its stream of events. What changes something goes through the control API."""

import asyncio
from importlib.resources import files
from typing import Final

import orjson
from aiohttp import web

from astero_sandbox.discord.models import Json
from astero_sandbox.discord.sandbox import Sandbox

from .headers import page_headers

_KINDS: Final = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_BACKLOG: Final = 1000
_COMMENT_SECONDS: Final = 15.0


class Page:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        folder = files("astero_sandbox.discord.page")
        self._files = {
            item.name: item.read_bytes()
            for item in folder.iterdir()
            if item.name.endswith((".html", ".css", ".js", ".svg"))
        }

    async def show(self, request: web.Request) -> web.StreamResponse:
        """One page for all languages; its script follows the browser's."""
        del request
        return web.Response(
            body=self._files["page.html"],
            content_type="text/html",
            charset="utf-8",
            headers=page_headers(),
        )

    async def asset(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        kind = _KINDS.get(name.rpartition(".")[2])
        if kind is None or name not in self._files:
            raise web.HTTPNotFound
        return web.Response(
            body=self._files[name], content_type=kind, charset="utf-8", headers=page_headers()
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: {name, guildId, data}. A browser too slow to read starts over."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        queue: asyncio.Queue[bytes] = asyncio.Queue(_BACKLOG)
        too_slow = asyncio.Event()

        def observe(name: str, guild_id: int | None, data: Json) -> None:
            event = {"name": name, "guildId": guild_id and str(guild_id), "data": data}
            try:
                queue.put_nowait(b"data: " + orjson.dumps(event) + b"\n\n")
            except asyncio.QueueFull:
                too_slow.set()

        self._sandbox.broadcast.observers.add(observe)
        try:
            await response.write(b": open\n\n")
            while not too_slow.is_set():
                try:
                    async with asyncio.timeout(_COMMENT_SECONDS):
                        event = await queue.get()
                except TimeoutError:
                    event = b": still here\n\n"
                await response.write(event)
        except ConnectionError:
            pass
        finally:
            self._sandbox.broadcast.observers.discard(observe)
        return response
