"""The pages that links in letters lead to. They hold nothing of anybody: the secret is in the fragment, which
no server sees, and a script of ours posts it when the person says so.
"""

from typing import Any, Final

from litestar import Request, Response, get

from astero_api.dashboard.rendering import CSS, HTML, OPEN, SCRIPT, answer_page, asset
from astero_api.web.language import language_of
from astero_shared.i18n import Locale, text

AnyRequest = Request[Any, Any, Any]

# what each page asks of the person, and where its script posts the token
_ACTIONS: Final = {
    "verify": "/api/auth/email/verify",
    "reset": "/api/auth/password/reset",
    "address": "/api/auth/email/change",
}


def _words(page: str, locale: Locale) -> dict[str, str]:
    shared = ("incomplete", "no_script", "failed", "password", "show_password")
    own = ("title", "lead", "action", "done")
    return {name: text(f"pages.{name}", locale) for name in shared} | {
        name: text(f"pages.{page}.{name}", locale) for name in own
    }


def _show(request: AnyRequest, page: str) -> Response[bytes]:
    words = _words(page, language_of(request.scope))
    return answer_page(request, "account.html.j2", page=page, action=_ACTIONS[page], words=words)


@get("/account/verify", opt=OPEN, media_type=HTML)
async def show_verification(request: AnyRequest) -> Response[bytes]:
    """The page on which one confirms an address."""
    return _show(request, "verify")


@get("/account/reset", opt=OPEN, media_type=HTML)
async def show_reset(request: AnyRequest) -> Response[bytes]:
    """The page on which one chooses a new password."""
    return _show(request, "reset")


@get("/account/address", opt=OPEN, media_type=HTML)
async def show_address(request: AnyRequest) -> Response[bytes]:
    """The page on which one confirms another address."""
    return _show(request, "address")


@get("/static/account.css", opt=OPEN, media_type=CSS)
async def get_style() -> Response[bytes]:
    """What the pages look like."""
    return Response(asset("account.css"), media_type=CSS)


@get("/static/account.js", opt=OPEN, media_type=SCRIPT)
async def get_script() -> Response[bytes]:
    """What the pages do."""
    return Response(asset("account.js"), media_type=SCRIPT)
