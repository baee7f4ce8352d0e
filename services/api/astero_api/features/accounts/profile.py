"""What people may change about their account; another address counts once its owner has followed a link."""

from typing import Any

from msgspec import UNSET
from sqlalchemy.exc import IntegrityError

from astero_api.features.accounts.links import (
    LETTERS_WINDOW,
    find_own_link,
    link_invalid,
    make_link,
    use_link,
)
from astero_api.features.accounts.schemas import ProfileIn
from astero_api.features.accounts.service import refuse_email, tell_address_in_use
from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail
from astero_api.web.identity import Identity
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.errors import TooManyRequestsError
from astero_shared.features.accounts.rules import email_key
from astero_shared.features.accounts.store import (
    bump_token_version,
    end_account_tokens,
    find_user_by_email,
    get_user,
    update_user,
)
from astero_shared.features.accounts.tables import User
from astero_shared.features.sessions.store import revoke_all_sessions
from astero_shared.names import refuse_hidden


async def update_profile(*, unit: UnitOfWork, identity: Identity, command: ProfileIn) -> User:
    """Raises InvalidError for what is no address, TooManyRequestsError after three letters in six hours."""
    if isinstance(command.display_name, str):
        refuse_hidden(command.display_name, pointer="/displayName")
    user = await get_user(unit.session, identity.user_id, lock=True)
    changes: dict[str, Any] = {}
    if command.display_name is not UNSET and command.display_name != user.display_name:
        changes["display_name"] = command.display_name
    if command.locale is not UNSET and command.locale != user.locale:
        changes["locale"] = command.locale
    if changes:
        await update_user(unit.session, user.id, **changes)
        await write_audit(
            unit.session,
            actor=identity.actor,
            action=AuditAction.ACCOUNT_UPDATED,
            target=str(user.id),
            details={"fields": sorted(changes)},
        )
        user = await get_user(unit.session, user.id)
    if command.email is not UNSET and command.email != user.email:
        await _ask_address(unit, identity, user, command.email)
    return user


async def _ask_address(unit: UnitOfWork, identity: Identity, user: User, email: str) -> None:
    """A letter to the new address. One that has an account already is told so, there and not here."""
    refuse_email(email)
    token = await make_link(unit.session, user, "address", email=email)
    if token is None:
        wait = int(LETTERS_WINDOW.total_seconds())
        raise TooManyRequestsError(code="accounts.too_many_letters", retry_after=wait)
    owner = await find_user_by_email(unit.session, email_key(email))
    if owner is None or owner.id == user.id:
        await queue_mail(
            unit.session,
            kind=MailKind.ADDRESS_CHANGE_CONFIRM,
            to=email,
            locale=user.locale,
            details={"token": token},
        )
    else:
        await tell_address_in_use(unit, owner)
    await write_audit(
        unit.session, actor=identity.actor, action=AuditAction.ADDRESS_CHANGE_ASKED, target=str(user.id)
    )


async def change_address(*, unit: UnitOfWork, identity: Identity, token: str) -> None:
    """The account moves to the address that the link was sent to; every session ends, both are told.

    Raises ForbiddenError for another account's link, or GoneError `accounts.link_invalid`, also when the
    address has got an account meanwhile.
    """
    link = await find_own_link(unit.session, "address", token, identity.user_id)
    user, now = await use_link(unit.session, link)
    old, new = user.email, link.email
    if new is None:
        raise link_invalid()
    try:
        await update_user(unit.session, user.id, email=new, email_key=email_key(new), email_verified_at=now)
    except IntegrityError:
        raise link_invalid() from None
    await end_account_tokens(unit.session, user.id, now=now)
    await revoke_all_sessions(unit.session, user.id, now=now)
    await bump_token_version(unit.session, user.id)
    await write_audit(
        unit.session, actor=identity.actor, action=AuditAction.ADDRESS_CHANGED, target=str(user.id)
    )
    for address in (old, new):
        await queue_mail(
            unit.session,
            kind=MailKind.ADDRESS_CHANGED,
            to=address,
            locale=user.locale,
            details={"old": old, "new": new},
        )
