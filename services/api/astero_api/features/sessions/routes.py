"""Log in, refresh, log out; see and end one's sessions."""

from uuid import UUID

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET

from astero_api.features.accounts.schemas import UserOut, user_out
from astero_api.features.mfa.schemas import MfaRequired
from astero_api.features.mfa.service import sign_in
from astero_api.features.sessions.browser import (
    device_of,
    forget_everything,
    give_access,
    give_cookies,
    give_sign_in,
    take_cookies,
)
from astero_api.features.sessions.logout import log_out
from astero_api.features.sessions.reauthentication import (
    check_own_code,
    check_own_passkey,
    check_own_password,
)
from astero_api.features.sessions.refresh import refresh_session
from astero_api.features.sessions.schemas import LoginIn, ReauthenticationIn, SessionList, SessionOut
from astero_api.features.sessions.service import end_all_sessions, end_session, prove_password, renew_proof
from astero_api.features.sessions.tokens import REFRESH_IDLE
from astero_api.web.access import not_signed_in
from astero_api.web.context import context_of
from astero_api.web.cookies import REFRESH_COOKIE, read_cookie
from astero_api.web.identity import Identity
from astero_api.web.limits import LOGIN, PROOF, READ, SESSION, WRITE
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.request import AnyRequest
from astero_api.web.second_step import SecondStepDue
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.clock import utc_now
from astero_shared.errors import UnauthenticatedError
from astero_shared.features.sessions.devices import family_of, network_of
from astero_shared.features.sessions.rules import Method
from astero_shared.features.sessions.store import list_live_sessions
from astero_shared.observability.security_events import log_security_event


@post(
    "/api/auth/login",
    status_code=200,
    opt=policy(permission=Permission.PUBLIC, limit=LOGIN, audit=AuditClass.SECURITY, refusals=(401,)),
)
async def login(
    request: AnyRequest, data: JSONBody[LoginIn], unit: NamedDependency[UnitOfWork]
) -> UserOut | MfaRequired:
    """Log in with e-mail and password: sets the session cookies, and ends the session they held before.

    With two-step verification on, the answer asks for the second factor and the session begins with that.
    """
    state = request.app.state
    context = context_of(request.scope)
    before = (context.access, read_cookie(request.scope, REFRESH_COOKIE))
    device = device_of(request)
    state.hashes.refuse_when_full()
    async with state.login_attempts.counted(unit=unit, email=data.email, address=device.ip):
        user = await prove_password(unit=unit, hashes=state.hashes, email=data.email, password=data.password)
    given = await sign_in(
        session=unit.session,
        tokens=state.tokens,
        factors=state.second_factors,
        user=user,
        device=device,
        proved=("pwd",),
    )
    unit.on_commit(lambda: give_sign_in(context, given))
    if isinstance(given, SecondStepDue):
        return MfaRequired(mfa_required=True, methods=given.methods)
    await log_out(session=unit.session, access=before[0], refresh=before[1])
    return user_out(user)


@post(
    "/api/auth/refresh",
    status_code=204,
    opt=policy(permission=Permission.PUBLIC, limit=SESSION, audit=AuditClass.SECURITY, refusals=(401, 409)),
)
async def refresh(request: AnyRequest, unit: NamedDependency[UnitOfWork]) -> None:
    """Exchange the refresh cookie for a new pair of cookies. Each works once."""
    context = context_of(request.scope)
    presented = read_cookie(request.scope, REFRESH_COOKIE)
    try:
        if presented is None:
            raise not_signed_in()
        tokens = await refresh_session(unit=unit, tokens=request.app.state.tokens, presented=presented)
    except UnauthenticatedError:
        take_cookies(context)
        raise
    if tokens is None:
        log_security_event("auth.refresh.reused", ip=context.client_ip)
        take_cookies(context)
        return
    unit.on_commit(lambda: give_cookies(context, tokens))


@post(
    "/api/auth/logout",
    status_code=204,
    opt=policy(permission=Permission.PUBLIC, limit=SESSION, audit=AuditClass.SECURITY),
)
async def logout(request: AnyRequest, unit: NamedDependency[UnitOfWork]) -> None:
    """End this session, if there is one, and clear what the browser holds."""
    context = context_of(request.scope)
    await log_out(
        session=unit.session, access=context.access, refresh=read_cookie(request.scope, REFRESH_COOKIE)
    )
    forget_everything(context)


@post(
    "/api/auth/logout-all",
    status_code=204,
    opt=policy(permission=Permission.SIGNED_IN, limit=WRITE, audit=AuditClass.SECURITY),
)
async def logout_all(
    request: AnyRequest, identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> None:
    """End every session of the user, this one included."""
    await end_all_sessions(unit=unit, identity=identity)
    unit.on_commit(lambda: forget_everything(context_of(request.scope)))


@post(
    "/api/auth/reauthenticate",
    status_code=204,
    opt=policy(permission=Permission.SIGNED_IN, limit=PROOF, audit=AuditClass.SECURITY),
)
async def reauthenticate(
    request: AnyRequest,
    data: JSONBody[ReauthenticationIn],
    identity: NamedDependency[Identity],
    unit: NamedDependency[UnitOfWork],
) -> None:
    """Prove again that it is you.

    For five minutes this session may then do what changes how you sign in, or cannot be undone.
    """
    state = request.app.state
    if data.password is not UNSET:
        await check_own_password(unit=unit, hashes=state.hashes, identity=identity, password=data.password)
        proved: Method = "pwd"
    elif data.passkey is not UNSET:
        if not await check_own_passkey(
            unit=unit, factors=state.second_factors, identity=identity, given=data.passkey
        ):
            return
        proved = "pop"
    else:
        await check_own_code(unit=unit, factors=state.second_factors, identity=identity, code=data.code or "")
        proved = "otp"
    access = await renew_proof(session=unit.session, tokens=state.tokens, identity=identity, proved=(proved,))
    unit.on_commit(lambda: give_access(context_of(request.scope), access))


@get(
    "/api/auth/sessions",
    opt=policy(permission=Permission.SIGNED_IN, limit=READ, audit=AuditClass.NONE),
)
async def list_sessions(
    identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> SessionList:
    """Where the user is signed in, newest first."""
    now = utc_now()
    rows = await list_live_sessions(unit.session, identity.user_id, now=now, unused_since=now - REFRESH_IDLE)
    return SessionList(
        items=tuple(
            SessionOut(
                id=row.id,
                current=row.id == identity.session_id,
                created_at=row.created_at,
                last_seen_at=row.last_seen_at,
                expires_at=row.expires_at,
                user_agent=row.user_agent,
                ip=row.ip,
                device=family_of(row.user_agent),
                network=network_of(row.ip),
            )
            for row in rows
        )
    )


@delete(
    "/api/auth/sessions/{session_id:uuid}",
    status_code=204,
    opt=policy(permission=Permission.SIGNED_IN, limit=WRITE, audit=AuditClass.SECURITY),
)
async def delete_session(
    session_id: FromPath[UUID], identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> None:
    """End one of the user's sessions."""
    await end_session(unit=unit, identity=identity, session_id=session_id)
