"""What a sign-in reads from the browser and leaves there: which device it is, and the two cookies."""

from typing import Any, Final

from litestar import Request

from astero_api.features.sessions.service import Device, Tokens
from astero_api.web.access_token import LIFETIME_SECONDS
from astero_api.web.context import RequestContext, context_of, header
from astero_api.web.cookies import ACCESS_COOKIE, MFA_COOKIE, REFRESH_COOKIE, clear_cookie, set_cookie
from astero_api.web.second_step import LIFETIME_SECONDS as SECOND_STEP_SECONDS
from astero_api.web.second_step import SecondStepDue

_MAX_USER_AGENT: Final = 256


def device_of(request: Request[Any, Any, Any]) -> Device:
    agent = header(request.scope, b"user-agent")
    text = None if agent is None else agent.decode("latin-1")[:_MAX_USER_AGENT]
    return Device(user_agent=text, ip=context_of(request.scope).client_ip)


def give_cookies(context: RequestContext, tokens: Tokens) -> None:
    context.headers += [
        set_cookie(ACCESS_COOKIE, tokens.access, max_age=LIFETIME_SECONDS),
        set_cookie(REFRESH_COOKIE, tokens.refresh, max_age=tokens.refresh_seconds),
    ]


def give_sign_in(context: RequestContext, given: Tokens | SecondStepDue) -> None:
    """The cookies of a session, or the one of a login that waits for its second factor."""
    if isinstance(given, SecondStepDue):
        context.headers.append(set_cookie(MFA_COOKIE, given.token, max_age=SECOND_STEP_SECONDS))
    else:
        give_cookies(context, given)


def give_access(context: RequestContext, access: str) -> None:
    """A newer access token for the session the browser has."""
    context.headers.append(set_cookie(ACCESS_COOKIE, access, max_age=LIFETIME_SECONDS))


def take_cookies(context: RequestContext) -> None:
    context.headers += [clear_cookie(ACCESS_COOKIE), clear_cookie(REFRESH_COOKIE)]


def forget_everything(context: RequestContext) -> None:
    """Whoever logs out leaves nothing of theirs behind, on a shared computer too."""
    take_cookies(context)
    context.headers.append((b"clear-site-data", b'"cookies", "storage"'))
