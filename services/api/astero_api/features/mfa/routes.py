"""Two-step verification: switch it on and off, recovery codes, and the second step of a login."""

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from astero_api.features.accounts.schemas import UserOut, user_out
from astero_api.features.mfa.enrolment import (
    begin_enrolment,
    confirm_enrolment,
    disable,
    renew_recovery_codes,
)
from astero_api.features.mfa.schemas import CodeIn, EnrolmentOut, MfaOut, RecoveryCodesOut, VerifyIn
from astero_api.features.mfa.service import SecondFactors, verify_second_factor
from astero_api.features.sessions.browser import device_of, give_access, give_cookies
from astero_api.features.sessions.logout import log_out
from astero_api.web.access import is_proved
from astero_api.web.context import context_of
from astero_api.web.cookies import MFA_COOKIE, REFRESH_COOKIE, clear_cookie, read_cookie
from astero_api.web.identity import Identity
from astero_api.web.limits import PROOF, READ, WRITE
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.request import AnyRequest
from astero_api.web.second_step import SecondStep
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.errors import UnauthenticatedError
from astero_shared.features.accounts.store import get_user
from astero_shared.features.discord_accounts.store import find_discord_account
from astero_shared.features.mfa.store import count_recovery_codes, find_seed

_CHANGES = policy(
    permission=Permission.SIGNED_IN, limit=WRITE, audit=AuditClass.SECURITY, refusals=(409,), fresh=True
)


def _factors(request: AnyRequest) -> SecondFactors:
    return request.app.state.second_factors


@get("/api/auth/mfa", opt=policy(permission=Permission.SIGNED_IN, limit=READ, audit=AuditClass.NONE))
async def get_mfa(
    request: AnyRequest, identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> MfaOut:
    """Whether two-step verification is on, how many recovery codes are left, and which ways lead in."""
    seed = await find_seed(unit.session, identity.user_id)
    enabled_at = None if seed is None else seed.confirmed_at
    discord = await find_discord_account(unit.session, identity.user_id)
    return MfaOut(
        enabled=enabled_at is not None,
        enabled_at=enabled_at,
        recovery_codes_left=await count_recovery_codes(unit.session, identity.user_id),
        has_password=(await get_user(unit.session, identity.user_id)).password_hash is not None,
        discord_username=None if discord is None else discord.username,
        proved=is_proved(context_of(request.scope)),
    )


@post("/api/auth/mfa/enroll", status_code=200, opt=_CHANGES)
async def enroll_mfa(
    request: AnyRequest, identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> EnrolmentOut:
    """Begin two-step verification: a secret for an authenticator app, shown once.

    Nothing changes until a code of it is confirmed, within 15 minutes.
    """
    return await begin_enrolment(unit=unit, factors=_factors(request), identity=identity)


@post(
    "/api/auth/mfa/confirm",
    status_code=200,
    opt=policy(
        permission=Permission.SIGNED_IN,
        limit=PROOF,
        audit=AuditClass.SECURITY,
        refusals=(409,),
        fresh=True,
    ),
)
async def confirm_mfa(
    request: AnyRequest,
    data: JSONBody[CodeIn],
    identity: NamedDependency[Identity],
    unit: NamedDependency[UnitOfWork],
) -> RecoveryCodesOut:
    """Switch two-step verification on by a code of the app; answers the recovery codes, once.

    Every other session of the account ends.
    """
    codes, access = await confirm_enrolment(
        unit=unit,
        factors=_factors(request),
        tokens=request.app.state.tokens,
        identity=identity,
        code=data.code,
    )
    unit.on_commit(lambda: give_access(context_of(request.scope), access))
    return RecoveryCodesOut(recovery_codes=codes)


@post("/api/auth/mfa/disable", status_code=204, opt=_CHANGES)
async def disable_mfa(
    request: AnyRequest, identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> None:
    """Switch two-step verification off and forget its secret and codes. Every other session ends."""
    access = await disable(unit=unit, tokens=request.app.state.tokens, identity=identity)
    unit.on_commit(lambda: give_access(context_of(request.scope), access))


@post("/api/auth/mfa/recovery-codes", status_code=200, opt=_CHANGES)
async def make_new_recovery_codes(
    request: AnyRequest, identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> RecoveryCodesOut:
    """Ten new recovery codes in place of all before, shown once."""
    codes = await renew_recovery_codes(unit=unit, factors=_factors(request), identity=identity)
    return RecoveryCodesOut(recovery_codes=codes)


@post(
    "/api/auth/mfa/verify",
    status_code=200,
    opt=policy(permission=Permission.SECOND_STEP, limit=PROOF, audit=AuditClass.SECURITY),
)
async def verify_mfa(
    request: AnyRequest,
    data: JSONBody[VerifyIn],
    step: NamedDependency[SecondStep],
    unit: NamedDependency[UnitOfWork],
) -> UserOut | None:
    """Finish a login that waits for its second factor: sets the session cookies.

    After five wrong ones the login is over and begins anew with the first factor.
    """
    context = context_of(request.scope)
    before = (context.access, read_cookie(request.scope, REFRESH_COOKIE))
    try:
        finished = await verify_second_factor(
            unit=unit,
            tokens=request.app.state.tokens,
            factors=_factors(request),
            step=step,
            command=data,
            device=device_of(request),
        )
    except UnauthenticatedError:
        context.headers.append(clear_cookie(MFA_COOKIE))
        raise
    if finished is None:
        return None
    user, tokens = finished
    await log_out(session=unit.session, access=before[0], refresh=before[1])
    context.headers.append(clear_cookie(MFA_COOKIE))
    unit.on_commit(lambda: give_cookies(context, tokens))
    return user_out(user)
