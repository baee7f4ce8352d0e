"""Sign in with Discord, or connect Discord to the account that is signed in."""

from typing import Annotated
from urllib.parse import urlencode, urljoin

from litestar import delete, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from litestar.response import Redirect
from litestar.types import Scope

from astero_api.features.discord_accounts.oauth import DiscordOAuth, DiscordUser, Tokens
from astero_api.features.discord_accounts.pending import (
    COOKIE,
    LIFETIME_SECONDS,
    begin,
    from_cookie,
    safe_path,
    to_cookie,
)
from astero_api.features.discord_accounts.service import connect_account, disconnect_account, sign_in_user
from astero_api.features.mfa.service import is_enabled, sign_in
from astero_api.features.sessions.browser import device_of, give_access, give_sign_in
from astero_api.features.sessions.logout import log_out
from astero_api.features.sessions.service import Tokens as SessionTokens
from astero_api.features.sessions.service import renew_proof
from astero_api.web.access import find_identity, is_proved
from astero_api.web.context import context_of, has_header, header
from astero_api.web.cookies import REFRESH_COOKIE, clear_cookie, read_cookie, set_cookie
from astero_api.web.identity import Identity
from astero_api.web.limits import SESSION, WRITE
from astero_api.web.places import SECOND_STEP_PAGE, SECURITY_PAGE, SIGN_IN_PAGE
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.request import AnyRequest
from astero_api.web.second_step import SecondStepDue
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.db.session import transaction
from astero_shared.errors import AsteroError, ForbiddenError, NotFoundError


def _oauth(request: AnyRequest) -> DiscordOAuth:
    oauth: DiscordOAuth | None = request.app.state.discord_oauth
    if oauth is None:
        raise NotFoundError(code="discord_accounts.not_configured")
    return oauth


@get(
    "/api/auth/discord",
    opt=policy(permission=Permission.PUBLIC, limit=SESSION, audit=AuditClass.NONE, refusals=(404,)),
)
async def start_discord_sign_in(request: AnyRequest, next: FromQuery[str | None] = None) -> Redirect:  # noqa: A002
    """Send the browser to Discord. `next` is the path to come back to."""
    oauth = _oauth(request)
    identity = await find_identity(request)
    pending = begin(
        next_path=safe_path(next),
        user_id=identity.user_id if identity else None,
        # a link on another site must not connect what its visitors happen to be signed in to
        proved=is_proved(context_of(request.scope)) and not _comes_from_elsewhere(request.scope),
    )
    state, cookie = to_cookie(request.app.state.settings.encryption_key, pending)
    context_of(request.scope).headers.append(set_cookie(COOKIE, cookie, max_age=LIFETIME_SECONDS))
    return Redirect(oauth.authorize_url(state=state, verifier=pending.verifier), status_code=303)


@get(
    "/api/auth/discord/callback",
    opt=policy(
        permission=Permission.PUBLIC, limit=SESSION, audit=AuditClass.SECURITY, refusals=(403, 404, 409)
    ),
)
async def finish_discord_sign_in(
    request: AnyRequest,
    returned_state: Annotated[str, QueryParameter(name="state")],
    code: FromQuery[str | None] = None,
    error: FromQuery[str | None] = None,
    error_description: FromQuery[str | None] = None,  # noqa: ARG001 - Discord sends it; it is not repeated
) -> Redirect:
    """Where Discord sends the browser back: signs in, or connects, and goes on to `next`.

    A browser is told what went wrong on a page of ours; whoever asks for no page gets the problem.
    """
    context = context_of(request.scope)
    context.headers.append(clear_cookie(COOKIE))
    try:
        path = await _finish(request, returned_state, None if error is not None else code)
    except AsteroError as refusal:
        if b"text/html" not in (header(request.scope, b"accept") or b""):
            raise
        page = SIGN_IN_PAGE if context.identity is None else SECURITY_PAGE
        path = f"{page}?{urlencode({'problem': refusal.sentence})}"
    return Redirect(urljoin(request.app.state.settings.public_url, path), status_code=303)


@delete(
    "/api/auth/discord",
    status_code=204,
    opt=policy(
        permission=Permission.SIGNED_IN,
        limit=WRITE,
        audit=AuditClass.SECURITY,
        refusals=(404, 409),
        fresh=True,
    ),
)
async def disconnect_discord(
    request: AnyRequest, identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> None:
    """Disconnect one's Discord account: it signs nobody in here any more. Every other session ends."""
    state = request.app.state
    sealed, access = await disconnect_account(unit=unit, tokens=state.tokens, identity=identity)
    unit.on_commit(lambda: give_access(context_of(request.scope), access))
    if state.managed_servers is not None:
        unit.after_commit(lambda: state.managed_servers.give_back(identity.user_id, sealed))


def _comes_from_elsewhere(scope: Scope) -> bool:
    return has_header(scope, b"sec-fetch-site") and header(scope, b"sec-fetch-site") not in {
        b"same-origin",
        b"none",
    }


async def _finish(request: AnyRequest, returned_state: str, code: str | None) -> str:
    """The path to go on to."""
    oauth, state = _oauth(request), request.app.state
    context = context_of(request.scope)
    keyring = state.settings.encryption_key
    pending = from_cookie(keyring, returned_state, read_cookie(request.scope, COOKIE))
    identity = await find_identity(request)
    if pending is None:
        raise ForbiddenError(code="discord_accounts.state_invalid")
    if code is None:
        raise ForbiddenError(code="discord_accounts.declined")
    if pending.user_id is not None and (identity is None or identity.user_id != pending.user_id):
        raise ForbiddenError(code="discord_accounts.state_invalid")
    tokens = await oauth.exchange(code=code, verifier=pending.verifier)
    discord_user = await oauth.who_is(tokens.access_token)
    if pending.user_id is not None and identity is not None:
        access = await _connect(request, identity, discord_user, tokens, proved=pending.proved)
        if access is not None:
            give_access(context, access)
        state.managed_servers.forget(identity.user_id)
        return pending.next_path
    given = await _sign_in(request, discord_user, tokens)
    give_sign_in(context, given)
    if isinstance(given, SecondStepDue):
        # the page of the second step knows where to go on
        return f"{SECOND_STEP_PAGE}?{urlencode({'next': pending.next_path})}"
    return pending.next_path


async def _connect(
    request: AnyRequest, identity: Identity, discord_user: DiscordUser, tokens: Tokens, *, proved: bool
) -> str | None:
    """A newer access token where Discord has vouched for the user again."""
    state = request.app.state
    async with transaction(state.database) as session:
        vouched = await connect_account(
            session=session,
            keyring=state.settings.encryption_key,
            user_id=identity.user_id,
            discord_user=discord_user,
            tokens=tokens,
            proved=proved,
        )
        if not vouched or await is_enabled(session, identity.user_id):
            return None
        return await renew_proof(session=session, tokens=state.tokens, identity=identity, proved=("fed",))


async def _sign_in(
    request: AnyRequest, discord_user: DiscordUser, tokens: Tokens
) -> SessionTokens | SecondStepDue:
    """Ends the session that the browser held before, if this one begins."""
    state, context = request.app.state, context_of(request.scope)
    async with transaction(state.database) as session:
        user = await sign_in_user(
            session=session,
            keyring=state.settings.encryption_key,
            discord_user=discord_user,
            tokens=tokens,
        )
        given = await sign_in(
            session=session,
            tokens=state.tokens,
            factors=state.second_factors,
            user=user,
            device=device_of(request),
            proved=("fed",),
        )
        if not isinstance(given, SecondStepDue):
            await log_out(
                session=session,
                access=context.access,
                refresh=read_cookie(request.scope, REFRESH_COOKIE),
            )
    return given
