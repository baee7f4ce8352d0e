"""Making accounts."""

from sqlalchemy.exc import IntegrityError

from astero_api.features.accounts.passwords import PasswordHashes
from astero_api.features.accounts.schemas import RegistrationIn, UserOut
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.errors import ConflictError, InvalidError
from astero_shared.features.accounts.rules import (
    MAX_PASSWORD_BYTES,
    MIN_PASSWORD_BYTES,
    email_key,
    is_email,
    is_weak,
)
from astero_shared.features.accounts.store import find_user_by_email, insert_user
from astero_shared.features.accounts.tables import User
from astero_shared.names import refuse_hidden
from astero_shared.scope import Actor


def _refuse(command: RegistrationIn) -> None:
    if not is_email(command.email):
        raise InvalidError(code="accounts.email_invalid", pointer="/email")
    if command.display_name is not None:
        refuse_hidden(command.display_name, pointer="/displayName")
    size = len(command.password.encode())
    if not MIN_PASSWORD_BYTES <= size <= MAX_PASSWORD_BYTES:
        raise InvalidError(
            code="accounts.password_length",
            params={"min": MIN_PASSWORD_BYTES, "max": MAX_PASSWORD_BYTES},
            pointer="/password",
        )
    if is_weak(command.password, own_words=(command.email, command.display_name or "")):
        raise InvalidError(
            code="accounts.password_weak",
            pointer="/password",
        )


async def register_user(*, unit: UnitOfWork, hashes: PasswordHashes, command: RegistrationIn) -> UserOut:
    """Raises InvalidError, ConflictError `accounts.email_taken`, or UnavailableError `auth.busy`."""
    _refuse(command)
    # before a connection is taken: it takes a second
    password_hash = await hashes.make(command.password)
    key = email_key(command.email)
    taken = ConflictError(code="accounts.email_taken")
    if await find_user_by_email(unit.session, key) is not None:
        raise taken
    user = User(
        email=command.email,
        email_key=key,
        password_hash=password_hash,
        display_name=command.display_name,
        locale=command.locale,
        created_at=utc_now(),
    )
    try:
        await insert_user(unit.session, user)
    except IntegrityError:
        # somebody else registered it since we looked
        raise taken from None
    await write_audit(
        unit.session,
        actor=Actor(kind="user", id=str(user.id), name=user.display_name),
        action=AuditAction.ACCOUNT_REGISTERED,
        target=str(user.id),
    )
    return UserOut(id=user.id, email=user.email, display_name=user.display_name, locale=user.locale)
