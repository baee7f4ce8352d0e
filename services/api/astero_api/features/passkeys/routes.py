"""Passkeys: make one, name it, remove it, sign in with it."""

from uuid import UUID

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from astero_api.features.accounts.schemas import UserOut, user_out
from astero_api.features.passkeys.schemas import (
    CeremonyOut,
    PasskeyIn,
    PasskeyList,
    PasskeyOut,
    PasskeyPatch,
    PasskeySignInIn,
)
from astero_api.features.passkeys.service import (
    begin_assertion,
    begin_registration,
    refused,
    register_passkey,
    remove,
    rename,
    use_passkey,
)
from astero_api.features.sessions.browser import device_of, give_access, give_cookies
from astero_api.features.sessions.logout import log_out
from astero_api.features.sessions.service import start_session
from astero_api.web.context import context_of
from astero_api.web.cookies import REFRESH_COOKIE, read_cookie
from astero_api.web.identity import Identity
from astero_api.web.limits import PROOF, READ, SESSION, WRITE
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.request import AnyRequest
from astero_api.web.second_step import SecondStep
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.features.accounts.store import get_user
from astero_shared.features.passkeys.store import list_passkeys
from astero_shared.features.passkeys.tables import Passkey

_ONE = "/api/auth/passkeys/{passkey_id:uuid}"
_CHANGES = policy(
    permission=Permission.SIGNED_IN, limit=WRITE, audit=AuditClass.SECURITY, refusals=(409,), fresh=True
)


def render(passkey: Passkey) -> PasskeyOut:
    return PasskeyOut(
        id=passkey.id,
        name=passkey.name,
        backed_up=passkey.backed_up,
        created_at=passkey.created_at,
        last_used_at=passkey.last_used_at,
    )


@get("/api/auth/passkeys", opt=policy(permission=Permission.SIGNED_IN, limit=READ, audit=AuditClass.NONE))
async def list_own_passkeys(
    identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> PasskeyList:
    """The user's passkeys, oldest first."""
    rows = await list_passkeys(unit.session, identity.user_id)
    return PasskeyList(items=tuple(render(row) for row in rows))


@post("/api/auth/passkeys/options", status_code=200, opt=_CHANGES)
async def begin_passkey(
    request: AnyRequest, identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> CeremonyOut:
    """Begin to make a passkey: options for the browser, good for five minutes and once."""
    options = await begin_registration(unit=unit, party=request.app.state.relying_party, identity=identity)
    return CeremonyOut(public_key=options)


@post("/api/auth/passkeys", opt=_CHANGES)
async def add_passkey(
    request: AnyRequest,
    data: JSONBody[PasskeyIn],
    identity: NamedDependency[Identity],
    unit: NamedDependency[UnitOfWork],
) -> PasskeyOut:
    """Add the passkey the browser has made."""
    return render(
        await register_passkey(
            unit=unit, party=request.app.state.relying_party, identity=identity, command=data
        )
    )


@patch(_ONE, opt=_CHANGES)
async def rename_own_passkey(
    passkey_id: FromPath[UUID],
    data: JSONBody[PasskeyPatch],
    identity: NamedDependency[Identity],
    unit: NamedDependency[UnitOfWork],
) -> PasskeyOut:
    """Call a passkey something else."""
    return render(await rename(unit=unit, identity=identity, passkey_id=passkey_id, name=data.name))


@delete(_ONE, status_code=204, opt=_CHANGES)
async def remove_own_passkey(
    request: AnyRequest,
    passkey_id: FromPath[UUID],
    identity: NamedDependency[Identity],
    unit: NamedDependency[UnitOfWork],
) -> None:
    """Remove a passkey: it opens nothing any more. Every other session ends."""
    access = await remove(
        unit=unit, tokens=request.app.state.tokens, identity=identity, passkey_id=passkey_id
    )
    unit.on_commit(lambda: give_access(context_of(request.scope), access))


@post(
    "/api/auth/passkeys/sign-in/options",
    status_code=200,
    opt=policy(permission=Permission.PUBLIC, limit=SESSION, audit=AuditClass.NONE),
)
async def begin_passkey_sign_in(request: AnyRequest, unit: NamedDependency[UnitOfWork]) -> CeremonyOut:
    """Begin to sign in with a passkey, without a name: options for the browser, good for five minutes."""
    options = await begin_assertion(
        session=unit.session, party=request.app.state.relying_party, purpose="sign_in"
    )
    return CeremonyOut(public_key=options)


@post(
    "/api/auth/passkeys/sign-in",
    status_code=200,
    opt=policy(permission=Permission.PUBLIC, limit=PROOF, audit=AuditClass.SECURITY, refusals=(401,)),
)
async def sign_in_with_passkey(
    request: AnyRequest, data: JSONBody[PasskeySignInIn], unit: NamedDependency[UnitOfWork]
) -> UserOut | None:
    """Sign in with a passkey, which is both factors in one: sets the session cookies."""
    state, context = request.app.state, context_of(request.scope)
    before = (context.access, read_cookie(request.scope, REFRESH_COOKIE))
    passkey = await use_passkey(
        unit=unit, party=state.relying_party, given=data.credential, purpose="sign_in"
    )
    if passkey is None:
        return None
    user = await get_user(unit.session, passkey.user_id, lock=True)
    if user.status != "active":
        raise refused()
    tokens = await start_session(
        session=unit.session,
        tokens=state.tokens,
        user=user,
        device=device_of(request),
        proved=("pop", "mfa"),
    )
    await log_out(session=unit.session, access=before[0], refresh=before[1])
    unit.on_commit(lambda: give_cookies(context, tokens))
    return user_out(user)


@post(
    "/api/auth/mfa/passkey-options",
    status_code=200,
    opt=policy(permission=Permission.SECOND_STEP, limit=SESSION, audit=AuditClass.SECURITY),
)
async def begin_passkey_second_step(
    request: AnyRequest, step: NamedDependency[SecondStep], unit: NamedDependency[UnitOfWork]
) -> CeremonyOut:
    """Options for a passkey as the second factor of the login that waits for it."""
    options = await begin_assertion(
        session=unit.session,
        party=request.app.state.relying_party,
        purpose="second_step",
        user_id=step.user_id,
        bound_to=step.login_id,
    )
    return CeremonyOut(public_key=options)


@post(
    "/api/auth/reauthenticate/options",
    status_code=200,
    opt=policy(permission=Permission.SIGNED_IN, limit=SESSION, audit=AuditClass.SECURITY),
)
async def begin_passkey_reauthentication(
    request: AnyRequest, identity: NamedDependency[Identity], unit: NamedDependency[UnitOfWork]
) -> CeremonyOut:
    """Options for a passkey that proves again who is signed in."""
    options = await begin_assertion(
        session=unit.session,
        party=request.app.state.relying_party,
        purpose="reauthenticate",
        user_id=identity.user_id,
        bound_to=identity.session_id,
    )
    return CeremonyOut(public_key=options)
