"""Signing in, the second step of it, and the page on which one looks after one's account.

They hold nothing of anybody: what they show, their scripts ask the api for.
"""

from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.params import FromQuery

from astero_api.dashboard.rendering import HTML, OPEN, answer_page, words_of
from astero_api.features.discord_accounts.pending import safe_path
from astero_api.web.language import language_of
from astero_api.web.places import SECOND_STEP_PAGE, SECURITY_PAGE, SIGN_IN_PAGE
from astero_shared.i18n import Locale, catalogue, text

AnyRequest = Request[Any, Any, Any]

_ENTRANCE: Final = ("title", "forgot", "new_here", "register", "no_cookies")
_SECURITY: Final = (
    "title", "proof_title", "proof_lead", "code", "confirm", "cancel", "use_passkey", "use_discord",
    "address_confirmed", "address_unconfirmed", "address_resend", "address_new", "address_hint",
    "address_change", "address_asked", "password_current", "password_change", "password_changed",
    "password_none", "password_ask", "password_asked", "two_step_title", "two_step_off", "two_step_on",
    "two_step_enable", "two_step_disable", "scan", "secret", "first_code", "codes_title", "codes_lead",
    "codes_left", "codes_renew", "passkeys_title", "passkeys_lead", "passkey_name", "passkey_add", "remove",
    "never_used", "last_used", "discord_on", "discord_off", "discord_connect", "discord_disconnect",
    "sessions_title", "this_one", "unknown_device", "end", "end_all",
)  # fmt: skip
_SECOND_STEP: Final = (
    "title", "lead", "code", "recovery_code", "confirm", "use_passkey", "use_recovery", "use_app", "again",
)  # fmt: skip


def _said(problem: str | None, locale: Locale) -> str:
    """What a callback that went wrong was about: an error sentence of ours by its name, and nothing else."""
    key = f"errors.{problem}"
    known = problem is not None and key in catalogue(locale) and not catalogue(locale)[key].params
    return text(key, locale) if known else ""


@get(SIGN_IN_PAGE, opt=OPEN, media_type=HTML)
async def show_sign_in(
    request: AnyRequest,
    next: FromQuery[str | None] = None,  # noqa: A002
    problem: FromQuery[str | None] = None,
) -> Response[bytes]:
    """The page on which one signs in. `next` is the path to go on to, `problem` what went wrong."""
    locale = language_of(request.scope)
    return answer_page(
        request,
        "sign_in.html.j2",
        script="sign-in.js",
        words=words_of("entrance", _ENTRANCE, locale),
        said=_said(problem, locale),
        next_path=safe_path(next),
        second_step=SECOND_STEP_PAGE,
        has_discord=request.app.state.discord_oauth is not None,
    )


@get(SECURITY_PAGE, opt=OPEN, media_type=HTML)
async def show_security(request: AnyRequest, problem: FromQuery[str | None] = None) -> Response[bytes]:
    """The page of the address, the password, two-step verification, passkeys, Discord and sessions.

    `problem` is the code of what went wrong on the way here.
    """
    locale = language_of(request.scope)
    return answer_page(
        request,
        "security.html.j2",
        script="security.js",
        words=words_of("security", _SECURITY, locale),
        said=_said(problem, locale),
        sign_in=f"{SIGN_IN_PAGE}?next={SECURITY_PAGE}",
        has_discord=request.app.state.discord_oauth is not None,
    )


@get(SECOND_STEP_PAGE, opt=OPEN, media_type=HTML)
async def show_second_step(request: AnyRequest, next: FromQuery[str | None] = None) -> Response[bytes]:  # noqa: A002
    """The page that asks for the second factor. `next` is the path to go on to."""
    words = words_of("second_step", _SECOND_STEP, language_of(request.scope))
    return answer_page(
        request,
        "second_step.html.j2",
        script="second-step.js",
        words=words,
        next_path=safe_path(next),
        sign_in=f"{SIGN_IN_PAGE}?{urlencode({'next': safe_path(next)})}",
    )
