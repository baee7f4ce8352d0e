"""Showing that an address is one's own."""

from astero_api.features.accounts.links import find_own_link, link_invalid, use_link
from astero_api.features.accounts.service import send_verification
from astero_api.web.identity import Identity
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.features.accounts.rules import email_key
from astero_shared.features.accounts.store import get_user, update_user


async def verify_address(*, unit: UnitOfWork, identity: Identity, token: str) -> None:
    """Raises ForbiddenError for another account's link, or GoneError `accounts.link_invalid`, also when the
    account has another address by now.
    """
    link = await find_own_link(unit.session, "verify", token, identity.user_id)
    user, now = await use_link(unit.session, link)
    if link.email is None or email_key(link.email) != user.email_key:
        raise link_invalid()
    await update_user(unit.session, user.id, email_verified_at=now)
    await write_audit(
        unit.session, actor=identity.actor, action=AuditAction.ADDRESS_VERIFIED, target=str(user.id)
    )


async def ask_verification(*, unit: UnitOfWork, identity: Identity) -> None:
    """Another letter, unless the address is verified or the account has had its letters."""
    user = await get_user(unit.session, identity.user_id, lock=True)
    if user.email_verified_at is not None:
        return
    await send_verification(unit, user)
    await write_audit(
        unit.session,
        actor=identity.actor,
        action=AuditAction.ADDRESS_VERIFICATION_ASKED,
        target=str(user.id),
    )
