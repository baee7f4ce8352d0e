"""The inbox page and the control API.

GET    /sandbox/messages?to=ana@example.com   newest first: text, html, links, headers, envelope
GET    /sandbox/messages/{id}/raw             as it came over the wire
DELETE /sandbox/messages                      an empty inbox
POST   /sandbox/faults {kind, step, …}        see faults.py
DELETE /sandbox/faults                        everything works again
"""

from importlib.resources import files
from typing import Final

import msgspec
from aiohttp import web
from jinja2 import Environment, StrictUndefined

from astero_sandbox.mail.faults import Fault
from astero_sandbox.mail.inbox import Received
from astero_sandbox.mail.smtp import Post

_PAGE_CSP: Final = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
# A letter's own styles, no script, no picture from elsewhere, and a place that is nobody's.
_LETTER_CSP: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"


def create_app(post: Post) -> web.Application:
    app = web.Application()
    pages = _Pages(post)
    app.router.add_get("/", pages.show)
    app.router.add_get("/inbox.css", pages.style)
    app.router.add_get("/messages/{id}", pages.show)
    app.router.add_get("/messages/{id}/html", pages.letter)
    app.router.add_get("/sandbox/messages", pages.list_messages)
    app.router.add_get("/sandbox/messages/{id}/raw", pages.raw)
    app.router.add_delete("/sandbox/messages", pages.clear)
    app.router.add_post("/sandbox/faults", pages.add_fault)
    app.router.add_delete("/sandbox/faults", pages.clear_faults)
    return app


class _Pages:
    def __init__(self, post: Post) -> None:
        self._post = post
        folder = files("astero_sandbox.mail.page")
        self._style = folder.joinpath("inbox.css").read_bytes()
        templates = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self._page = templates.from_string(folder.joinpath("inbox.html.j2").read_text(encoding="utf-8"))

    async def show(self, request: web.Request) -> web.StreamResponse:
        inbox = self._post.inbox
        number = request.match_info.get("id")
        shown = inbox.find(number) if number is not None else next(inbox.newest(), None)
        if number is not None and shown is None:
            raise web.HTTPNotFound
        french = request.headers.get("Accept-Language", "").lower().startswith("fr")
        html = self._page.render(
            locale="fr" if french else "en",
            messages=[one.as_json() for one in inbox.newest()],
            shown=None if shown is None else shown.as_json(),
        )
        return _answer(html.encode(), "text/html", _PAGE_CSP)

    async def style(self, _: web.Request) -> web.StreamResponse:
        return _answer(self._style, "text/css", _PAGE_CSP)

    async def letter(self, request: web.Request) -> web.StreamResponse:
        html = self._get(request).body("html")
        if html is None:
            raise web.HTTPNotFound
        return _answer(html.encode(), "text/html", _LETTER_CSP)

    async def list_messages(self, request: web.Request) -> web.StreamResponse:
        found = self._post.inbox.newest(request.query.get("to"))
        return web.json_response([one.as_json() for one in found])

    async def raw(self, request: web.Request) -> web.StreamResponse:
        return _answer(self._get(request).raw, "text/plain", _LETTER_CSP)

    async def clear(self, _: web.Request) -> web.StreamResponse:
        self._post.inbox.clear()
        return web.Response(status=204)

    async def add_fault(self, request: web.Request) -> web.StreamResponse:
        try:
            fault = msgspec.json.decode(await request.read(), type=Fault)
        except msgspec.DecodeError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        self._post.faults.add(fault)
        return web.Response(status=204)

    async def clear_faults(self, _: web.Request) -> web.StreamResponse:
        self._post.faults.clear()
        return web.Response(status=204)

    def _get(self, request: web.Request) -> Received:
        found = self._post.inbox.find(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found


def _answer(body: bytes, kind: str, policy: str) -> web.Response:
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)
