"""Register, and who am I."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from astero_api.features.accounts.schemas import RegistrationIn, UserOut
from astero_api.features.accounts.service import register_user
from astero_api.web.identity import Identity
from astero_api.web.limits import READ, REGISTER
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.unit_of_work import UnitOfWork


@post(
    "/api/auth/register",
    opt=policy(permission=Permission.PUBLIC, limit=REGISTER, audit=AuditClass.SECURITY, refusals=(409,)),
)
async def register(
    request: Request[Any, Any, Any], data: JSONBody[RegistrationIn], unit: NamedDependency[UnitOfWork]
) -> UserOut:
    """Make an account. Log in afterwards."""
    return await register_user(unit=unit, hashes=request.app.state.hashes, command=data)


@get(
    "/api/auth/me",
    opt=policy(permission=Permission.SIGNED_IN, limit=READ, audit=AuditClass.NONE),
)
async def me(identity: NamedDependency[Identity]) -> UserOut:
    """The signed-in user."""
    return UserOut(
        id=identity.user_id,
        email=identity.email,
        display_name=identity.display_name,
        locale=identity.locale,
    )
