"""The page on which one looks after how one signs in, and the page of the second step.

They hold nothing of anybody: what they show, their scripts ask the api for.
"""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import FromQuery

from astero_api.dashboard.rendering import CSS, HTML, OPEN, SCRIPT, answer_page, asset
from astero_api.features.discord_accounts.pending import safe_path
from astero_api.features.mfa.service import SECOND_STEP_PAGE
from astero_api.web.language import language_of
from astero_shared.i18n import Locale, text

AnyRequest = Request[Any, Any, Any]

_SECURITY: Final = (
    "title", "no_script", "failed", "sign_in_title", "email", "password", "sign_in", "sign_in_passkey",
    "proof_title", "proof_lead", "code", "confirm", "use_passkey", "two_step_title", "two_step_off",
    "two_step_on", "two_step_enable", "two_step_disable", "scan", "secret", "first_code", "codes_title",
    "codes_lead", "codes_left", "codes_renew", "passkeys_title", "passkeys_lead", "passkey_name",
    "passkey_add", "remove", "never_used", "last_used", "sessions_title", "this_one", "end", "end_all",
)  # fmt: skip
_SECOND_STEP: Final = (
    "title", "lead", "no_script", "failed", "code", "recovery_code", "confirm", "use_passkey",
    "use_recovery", "use_app", "again",
)  # fmt: skip


def _words(page: str, names: tuple[str, ...], locale: Locale) -> dict[str, str]:
    return {name: text(f"pages.{page}.{name}", locale) for name in names}


@get("/account/security", opt=OPEN, media_type=HTML)
async def show_security(request: AnyRequest) -> Response[bytes]:
    """The page of two-step verification, passkeys and sessions."""
    words = _words("security", _SECURITY, language_of(request.scope))
    return answer_page(request, "security.html.j2", words=words, second_step=SECOND_STEP_PAGE)


@get(SECOND_STEP_PAGE, opt=OPEN, media_type=HTML)
async def show_second_step(request: AnyRequest, next: FromQuery[str | None] = None) -> Response[bytes]:  # noqa: A002
    """The page that asks for the second factor. `next` is the path to go on to."""
    words = _words("second_step", _SECOND_STEP, language_of(request.scope))
    return answer_page(request, "second_step.html.j2", words=words, next_path=safe_path(next))


@get("/static/security.js", opt=OPEN, media_type=SCRIPT)
async def get_security_script() -> Response[bytes]:
    """What the page of the account's security does."""
    return Response(asset("security.js"), media_type=SCRIPT)


@get("/static/second-step.js", opt=OPEN, media_type=SCRIPT)
async def get_second_step_script() -> Response[bytes]:
    """What the page of the second step does."""
    return Response(asset("second-step.js"), media_type=SCRIPT)


@get("/static/asking.js", opt=OPEN, media_type=SCRIPT)
async def get_asking_script() -> Response[bytes]:
    """How both ask the api and the browser's passkeys."""
    return Response(asset("asking.js"), media_type=SCRIPT)


@get("/static/security.css", opt=OPEN, media_type=CSS)
async def get_security_style() -> Response[bytes]:
    """What the page of the account's security looks like, beyond what all pages do."""
    return Response(asset("security.css"), media_type=CSS)
