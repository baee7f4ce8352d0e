"""The styles and scripts of the pages. A file's address changes with what is in it, so browsers keep it."""

import base64
from functools import cache
from hashlib import sha256, sha384
from importlib.resources import files
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from astero_api.web.context import context_of
from astero_api.web.limits import READ
from astero_api.web.policy import AuditClass, Permission, policy

_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
_FILES: Final = {
    file.name: file.read_bytes()
    for file in sorted(files("astero_api.dashboard").joinpath("static").iterdir(), key=lambda file: file.name)
}
# One for all of them: they name each other by relative addresses.
STATIC: Final = f"/static/{sha256(repr(_FILES).encode()).hexdigest()[:12]}"


@cache
def integrity_of(name: str) -> str:
    """Subresource integrity: a browser runs this file only as it was when the page was made."""
    return f"sha384-{base64.b64encode(sha384(_FILES[name]).digest()).decode()}"


def _route_of(name: str, content: bytes) -> HTTPRouteHandler:
    stem, dot, ending = name.rpartition(".")
    media_type = _MEDIA_TYPES[dot + ending]

    async def answer(request: Request[Any, Any, Any]) -> Response[bytes]:
        """A file of the pages, under an address that means nothing else ever."""
        context_of(request.scope).lasts = True
        return Response(content, media_type=media_type)

    answer.__name__ = f"get_{stem.replace('-', '_')}_{ending}"
    opt = policy(permission=Permission.PUBLIC, limit=READ, audit=AuditClass.NONE)
    return get(f"{STATIC}/{name}", opt=opt, media_type=media_type)(answer)


STATIC_ROUTES: Final = tuple(_route_of(name, content) for name, content in _FILES.items())
