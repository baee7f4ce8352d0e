"""The pages that links in letters lead to. They hold nothing of anybody: the secret is in the fragment, which
no server sees, and a script of ours posts it when the person says so.
"""

import secrets
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response, get

from astero_api.web.context import context_of
from astero_api.web.language import language_of
from astero_api.web.limits import READ
from astero_api.web.policy import AuditClass, Permission, policy
from astero_shared.i18n import Locale, text

AnyRequest = Request[Any, Any, Any]

_HTML: Final = "text/html"
_CSS: Final = "text/css"
_SCRIPT: Final = "text/javascript"
_OPEN: Final = policy(permission=Permission.PUBLIC, limit=READ, audit=AuditClass.NONE)
# what each page asks of the person, and where its script posts the token
_ACTIONS: Final = {
    "verify": "/api/auth/email/verify",
    "reset": "/api/auth/password/reset",
    "address": "/api/auth/email/change",
}


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("astero_api", "dashboard/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _asset(name: str) -> bytes:
    return files("astero_api.dashboard").joinpath("static", name).read_bytes()


def _words(page: str, locale: Locale) -> dict[str, str]:
    shared = ("incomplete", "no_script", "failed", "password", "show_password")
    own = ("title", "lead", "action", "done")
    return {name: text(f"pages.{name}", locale) for name in shared} | {
        name: text(f"pages.{page}.{name}", locale) for name in own
    }


def _show(request: AnyRequest, page: str) -> Response[bytes]:
    locale = language_of(request.scope)
    context = context_of(request.scope)
    context.page_nonce = nonce = secrets.token_urlsafe(18)
    html = (
        _templates()
        .get_template("account.html.j2")
        .render(page=page, locale=locale, nonce=nonce, action=_ACTIONS[page], words=_words(page, locale))
    )
    return Response(html.encode(), media_type=_HTML, headers={"content-language": locale})


@get("/account/verify", opt=_OPEN, media_type=_HTML)
async def show_verification(request: AnyRequest) -> Response[bytes]:
    """The page on which one confirms an address."""
    return _show(request, "verify")


@get("/account/reset", opt=_OPEN, media_type=_HTML)
async def show_reset(request: AnyRequest) -> Response[bytes]:
    """The page on which one chooses a new password."""
    return _show(request, "reset")


@get("/account/address", opt=_OPEN, media_type=_HTML)
async def show_address(request: AnyRequest) -> Response[bytes]:
    """The page on which one confirms another address."""
    return _show(request, "address")


@get("/static/account.css", opt=_OPEN, media_type=_CSS)
async def get_style() -> Response[bytes]:
    """What the pages look like."""
    return Response(_asset("account.css"), media_type=_CSS)


@get("/static/account.js", opt=_OPEN, media_type=_SCRIPT)
async def get_script() -> Response[bytes]:
    """What the pages do."""
    return Response(_asset("account.js"), media_type=_SCRIPT)
