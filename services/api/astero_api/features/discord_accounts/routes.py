"""Sign in with Discord, or connect Discord to the account that is signed in."""

from typing import Annotated, Any
from urllib.parse import urlencode, urljoin

from litestar import Request, get
from litestar.params import FromQuery, QueryParameter
from litestar.response import Redirect

from astero_api.features.discord_accounts.oauth import DiscordOAuth, DiscordRefusedError
from astero_api.features.discord_accounts.pending import (
    COOKIE,
    LIFETIME_SECONDS,
    begin,
    from_cookie,
    safe_path,
    to_cookie,
)
from astero_api.features.discord_accounts.service import connect_account, sign_in_user
from astero_api.features.mfa.service import SECOND_STEP_PAGE, is_enabled, sign_in
from astero_api.features.sessions.browser import device_of, give_access, give_sign_in
from astero_api.features.sessions.service import renew_proof
from astero_api.web.access import find_identity, is_proved
from astero_api.web.context import context_of
from astero_api.web.cookies import clear_cookie, read_cookie, set_cookie
from astero_api.web.limits import SESSION
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.second_step import SecondStepDue
from astero_shared.db.session import transaction
from astero_shared.errors import ForbiddenError, NotFoundError

AnyRequest = Request[Any, Any, Any]
_POLICY = policy(
    permission=Permission.PUBLIC, limit=SESSION, audit=AuditClass.SECURITY, refusals=(403, 404, 409)
)


def _oauth(request: AnyRequest) -> DiscordOAuth:
    oauth: DiscordOAuth | None = request.app.state.discord_oauth
    if oauth is None:
        raise NotFoundError(code="discord_accounts.not_configured")
    return oauth


@get("/api/auth/discord", opt=_POLICY)
async def start_discord_sign_in(request: AnyRequest, next: FromQuery[str | None] = None) -> Redirect:  # noqa: A002
    """Send the browser to Discord. `next` is the path to come back to."""
    oauth = _oauth(request)
    identity = await find_identity(request)
    pending = begin(
        next_path=safe_path(next),
        user_id=identity.user_id if identity else None,
        proved=is_proved(context_of(request.scope)),
    )
    state, cookie = to_cookie(request.app.state.settings.encryption_key, pending)
    context_of(request.scope).headers.append(set_cookie(COOKIE, cookie, max_age=LIFETIME_SECONDS))
    return Redirect(oauth.authorize_url(state=state, verifier=pending.verifier), status_code=303)


@get("/api/auth/discord/callback", opt=_POLICY)
async def finish_discord_sign_in(
    request: AnyRequest,
    returned_state: Annotated[str, QueryParameter(name="state")],
    code: FromQuery[str | None] = None,
    error: FromQuery[str | None] = None,
    error_description: FromQuery[str | None] = None,  # noqa: ARG001 - Discord sends it; it is not repeated
) -> Redirect:
    """Where Discord sends the browser back: signs in, or connects, and goes on to `next`."""
    oauth = _oauth(request)
    context = context_of(request.scope)
    context.headers.append(clear_cookie(COOKIE))
    keyring = request.app.state.settings.encryption_key
    pending = from_cookie(keyring, returned_state, read_cookie(request.scope, COOKIE))
    if pending is None:
        raise ForbiddenError(
            code="discord_accounts.state_invalid",
        )
    if code is None or error is not None:
        raise ForbiddenError(code="discord_accounts.declined")
    identity = await find_identity(request)
    if pending.user_id is not None and (identity is None or identity.user_id != pending.user_id):
        raise DiscordRefusedError
    tokens = await oauth.exchange(code=code, verifier=pending.verifier)
    discord_user = await oauth.who_is(tokens.access_token)
    async with transaction(request.app.state.database) as session:
        if pending.user_id is not None:
            vouched = await connect_account(
                session=session,
                keyring=keyring,
                user_id=pending.user_id,
                discord_user=discord_user,
                tokens=tokens,
                proved=pending.proved,
            )
            given, access = None, None
            if vouched and identity is not None and not await is_enabled(session, identity.user_id):
                access = await renew_proof(
                    session=session, tokens=request.app.state.tokens, identity=identity, proved=("fed",)
                )
        else:
            access = None
            user = await sign_in_user(
                session=session, keyring=keyring, discord_user=discord_user, tokens=tokens
            )
            given = await sign_in(
                session=session,
                tokens=request.app.state.tokens,
                factors=request.app.state.second_factors,
                user=user,
                device=device_of(request),
                proved=("fed",),
            )
    if given is not None:
        give_sign_in(context, given)
    if isinstance(given, SecondStepDue):
        # the page of the second step knows where to go on
        asked = f"{SECOND_STEP_PAGE}?{urlencode({'next': pending.next_path})}"
        return Redirect(urljoin(request.app.state.settings.public_url, asked), status_code=303)
    if access is not None:
        give_access(context, access)
    if pending.user_id is not None:
        request.app.state.managed_servers.forget(pending.user_id)
    return Redirect(urljoin(request.app.state.settings.public_url, pending.next_path), status_code=303)
