"""Pages with one form: those that links in letters lead to, registering, and asking for a new password.

They hold nothing of anybody: the secret of a link is in the fragment, which no server sees, and a script of
ours posts it when the person says so.
"""

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, get

from astero_api.dashboard.rendering import HTML, OPEN, answer_page, words_of
from astero_api.web.language import language_of
from astero_api.web.places import SECURITY_PAGE, SIGN_IN_PAGE
from astero_shared.i18n import text

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """Where the script posts, what the person types, and the page one may need next, whatever comes of it.

    A link that is `for_the_signed_in` may come to a browser where nobody is, or somebody else.
    """

    action: str
    onward: str
    fields: tuple[str, ...] = ()
    of_a_letter: bool = True
    for_the_signed_in: bool = False


_FORMS: Final = {
    "verify": _Form("/api/auth/email/verify", SECURITY_PAGE, for_the_signed_in=True),
    "reset": _Form("/api/auth/password/reset", "/account/forgot", ("password",)),
    "address": _Form("/api/auth/email/change", SECURITY_PAGE, for_the_signed_in=True),
    "register": _Form("/api/auth/register", SIGN_IN_PAGE, ("email", "password"), of_a_letter=False),
    "forgot": _Form("/api/auth/password/forgot", SIGN_IN_PAGE, ("email",), of_a_letter=False),
}


def _show(request: AnyRequest, page: str) -> Response[bytes]:
    locale, form = language_of(request.scope), _FORMS[page]
    names = ("title", "lead", "action", "done", "onward")
    if form.for_the_signed_in:
        names += ("sign_in_first",)
    words = words_of(page, names, locale)
    words["incomplete"] = text("pages.incomplete", locale)
    sign_in = f"{SIGN_IN_PAGE}?next=/account/{page}"
    return answer_page(
        request, "account.html.j2", script="account.js", words=words, form=form, sign_in=sign_in
    )


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


@get("/account/register", opt=OPEN, media_type=HTML)
async def show_registration(request: AnyRequest) -> Response[bytes]:
    """The page on which one makes an account."""
    return _show(request, "register")


@get("/account/forgot", opt=OPEN, media_type=HTML)
async def show_forgotten(request: AnyRequest) -> Response[bytes]:
    """The page on which one asks for a new password."""
    return _show(request, "forgot")
