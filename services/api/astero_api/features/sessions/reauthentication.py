"""Proving anew who one is, in the session one has: what is dangerous asks for a proof of five minutes."""

from astero_api.features.accounts.passwords import PasswordHashes
from astero_api.features.mfa.service import SecondFactors, is_enabled, use_code, wrong_code
from astero_api.features.passkeys.schemas import AssertionIn
from astero_api.features.passkeys.service import use_passkey
from astero_api.web.identity import Identity
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.db.session import reading
from astero_shared.errors import ForbiddenError, UnauthenticatedError
from astero_shared.features.accounts.store import get_user


async def check_own_password(
    *, unit: UnitOfWork, hashes: PasswordHashes, identity: Identity, password: str
) -> None:
    """Raises UnauthenticatedError `auth.password_wrong`; an account without a password costs the same.

    ForbiddenError `mfa.required` where a second factor is on, before the password is looked at: it proves too
    little there. No connection waits while the hash is made.
    """
    async with reading(unit.engine) as session:
        stored = (await get_user(session, identity.user_id)).password_hash
        if await is_enabled(session, identity.user_id):
            raise ForbiddenError(code="mfa.required")
    right = await hashes.check(password, stored)
    # changed since: the old one opens nothing any more
    if not right or (await get_user(unit.session, identity.user_id, lock=True)).password_hash != stored:
        raise UnauthenticatedError(code="auth.password_wrong")


async def check_own_code(*, unit: UnitOfWork, factors: SecondFactors, identity: Identity, code: str) -> None:
    """Raises UnauthenticatedError `mfa.invalid_code`, also where no second factor is on."""
    if not await use_code(unit.session, factors, identity.user_id, code):
        raise wrong_code()


async def check_own_passkey(
    *, unit: UnitOfWork, factors: SecondFactors, identity: Identity, given: AssertionIn
) -> bool:
    """False where the refusal follows the commit; else raises UnauthenticatedError `passkeys.refused`."""
    passkey = await use_passkey(
        unit=unit,
        party=factors.party,
        given=given,
        purpose="reauthenticate",
        user_id=identity.user_id,
        bound_to=identity.session_id,
    )
    return passkey is not None
