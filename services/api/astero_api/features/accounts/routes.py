"""Make an account, change it, and get back in; who am I."""

from litestar import get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET

from astero_api.features.accounts.jobs import queue_reset_request
from astero_api.features.accounts.new_passwords import change_password, reset_password
from astero_api.features.accounts.profile import change_address, update_profile
from astero_api.features.accounts.schemas import (
    Accepted,
    ForgottenIn,
    PasswordChangeIn,
    ProfileIn,
    RegistrationIn,
    ResetIn,
    UserOut,
    VerificationIn,
    user_out,
)
from astero_api.features.accounts.service import register_user
from astero_api.features.accounts.verification import ask_verification, verify_address
from astero_api.features.sessions.browser import give_access
from astero_api.web.access import refuse_stale
from astero_api.web.context import context_of
from astero_api.web.identity import Identity
from astero_api.web.language import language_of
from astero_api.web.limits import ACCOUNT_LINK, ACCOUNT_MAIL, PROOF, READ, REGISTER, WRITE
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.request import AnyRequest
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.i18n import text


@post(
    "/api/auth/register",
    status_code=202,
    opt=policy(permission=Permission.PUBLIC, limit=REGISTER, audit=AuditClass.SECURITY),
)
async def register(
    request: AnyRequest, data: JSONBody[RegistrationIn], unit: NamedDependency[UnitOfWork]
) -> Accepted:
    """Make an account. Log in afterwards.

    The answer is the same when the address has an account already: a letter to it says which.
    """
    await register_user(unit=unit, hashes=request.app.state.hashes, command=data)
    return Accepted(text("accounts.registered", language_of(request.scope)))


@get(
    "/api/auth/me",
    opt=policy(permission=Permission.SIGNED_IN, limit=READ, audit=AuditClass.NONE),
)
async def me(identity: NamedDependency[Identity]) -> UserOut:
    """The signed-in user."""
    return UserOut(
        id=identity.user_id,
        email=identity.email,
        email_verified=identity.email_verified,
        display_name=identity.display_name,
        locale=identity.locale,
    )


@patch(
    "/api/users/me",
    opt=policy(permission=Permission.SIGNED_IN, limit=WRITE, audit=AuditClass.SECURITY),
)
async def patch_me(
    request: AnyRequest,
    data: JSONBody[ProfileIn],
    identity: NamedDependency[Identity],
    unit: NamedDependency[UnitOfWork],
) -> UserOut:
    """Change one's name, language or address. Another address asks for a proof of the last five minutes.

    The account keeps its address until the link in the letter to the new one is followed.
    """
    if data.email is not UNSET:
        refuse_stale(context_of(request.scope))
    return user_out(await update_profile(unit=unit, identity=identity, command=data))


@post(
    "/api/auth/email/verify",
    status_code=204,
    opt=policy(
        permission=Permission.SIGNED_IN, limit=ACCOUNT_LINK, audit=AuditClass.SECURITY, refusals=(410,)
    ),
)
async def verify_email(
    data: JSONBody[VerificationIn], identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> None:
    """Show with the token of a letter that the address of one's account is one's own."""
    await verify_address(unit=unit, identity=identity, token=data.token)


@post(
    "/api/auth/email/resend",
    status_code=202,
    opt=policy(permission=Permission.SIGNED_IN, limit=ACCOUNT_MAIL, audit=AuditClass.SECURITY),
)
async def resend_verification(
    request: AnyRequest, identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> Accepted:
    """Another letter with the link that verifies the address: at most three in six hours."""
    await ask_verification(unit=unit, identity=identity)
    return Accepted(text("accounts.verification_sent", language_of(request.scope)))


@post(
    "/api/auth/email/change",
    status_code=204,
    opt=policy(
        permission=Permission.SIGNED_IN, limit=ACCOUNT_LINK, audit=AuditClass.SECURITY, refusals=(410,)
    ),
)
async def confirm_address(
    data: JSONBody[VerificationIn], identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> None:
    """Move one's account to the address that the letter came to. Every session ends, this one too."""
    await change_address(unit=unit, identity=identity, token=data.token)


@post(
    "/api/auth/password/forgot",
    status_code=202,
    opt=policy(permission=Permission.PUBLIC, limit=ACCOUNT_MAIL, audit=AuditClass.SECURITY),
)
async def forgot_password(
    request: AnyRequest, data: JSONBody[ForgottenIn], unit: NamedDependency[UnitOfWork]
) -> Accepted:
    """Ask for a letter with a link to a new password. The answer is the same for every address."""
    await queue_reset_request(unit.session, email=data.email)
    return Accepted(text("accounts.reset_sent", language_of(request.scope)))


@post(
    "/api/auth/password/reset",
    status_code=204,
    opt=policy(permission=Permission.PUBLIC, limit=ACCOUNT_LINK, audit=AuditClass.SECURITY, refusals=(410,)),
)
async def reset_forgotten_password(
    request: AnyRequest, data: JSONBody[ResetIn], unit: NamedDependency[UnitOfWork]
) -> None:
    """Choose a new password with the token of a letter. Every session ends; log in afterwards."""
    state = request.app.state
    email = await reset_password(unit=unit, hashes=state.hashes, token=data.token, password=data.password)
    address = context_of(request.scope).client_ip
    unit.after_commit(lambda: state.login_attempts.welcome(email=email, address=address))


@post(
    "/api/auth/password/change",
    status_code=204,
    opt=policy(permission=Permission.SIGNED_IN, limit=PROOF, audit=AuditClass.SECURITY, fresh=True),
)
async def change_own_password(
    request: AnyRequest,
    data: JSONBody[PasswordChangeIn],
    identity: NamedDependency[Identity],
    unit: NamedDependency[UnitOfWork],
) -> None:
    """Change one's password, by the old one. Every other session ends."""
    state = request.app.state
    access = await change_password(
        unit=unit,
        hashes=state.hashes,
        tokens=state.tokens,
        identity=identity,
        current=data.current_password,
        password=data.password,
    )
    unit.on_commit(lambda: give_access(context_of(request.scope), access))
