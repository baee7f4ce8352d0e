"""A new password: by a link in a letter, or in a session by the old one. Never round a second factor."""

from astero_api.features.accounts.links import find_link, use_link
from astero_api.features.accounts.passwords import PasswordHashes
from astero_api.features.accounts.service import actor_of, refuse_password
from astero_api.features.sessions.service import keep_only_this_session
from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail
from astero_api.web.access_token import AccessTokens
from astero_api.web.identity import Identity
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.db.session import reading
from astero_shared.errors import UnauthenticatedError
from astero_shared.features.accounts.store import (
    bump_token_version,
    end_account_tokens,
    get_user,
    update_user,
)
from astero_shared.features.accounts.tables import User
from astero_shared.features.discord_accounts.store import disconnect_discord_account
from astero_shared.features.mfa.store import delete_factors
from astero_shared.features.passkeys.store import delete_all_passkeys
from astero_shared.features.sessions.store import revoke_all_sessions


async def reset_password(*, unit: UnitOfWork, hashes: PasswordHashes, token: str, password: str) -> str:
    """The account's address. Ends every session and signs nobody in.

    Raises GoneError, InvalidError or UnavailableError. A password that is refused leaves the link good. Who
    reads the address's mail has shown that it is theirs, so the address counts as verified afterwards; was it
    not before, the account is theirs alone. A verified account keeps its second factor.
    """
    async with reading(unit.engine) as session:
        link = await find_link(session, "reset", token)
        known = await get_user(session, link.user_id)
    refuse_password(password, own_words=(known.email, known.display_name))
    # before a connection is taken: it takes a second
    password_hash = await hashes.make(password)
    user, now = await use_link(unit.session, link)
    if user.email_verified_at is None:
        await _shut_others_out(unit, user)
    await update_user(
        unit.session,
        user.id,
        password_hash=password_hash,
        email_verified_at=user.email_verified_at or now,
    )
    await end_account_tokens(unit.session, user.id, now=now)
    await revoke_all_sessions(unit.session, user.id, now=now)
    await bump_token_version(unit.session, user.id)
    await write_audit(
        unit.session, actor=actor_of(user), action=AuditAction.PASSWORD_RESET, target=str(user.id)
    )
    await _tell(unit, user)
    return user.email


async def _shut_others_out(unit: UnitOfWork, user: User) -> None:
    """Whoever opened the account with somebody else's address keeps no way in, and locks nobody out."""
    gone = {
        AuditAction.DISCORD_DISCONNECTED: await disconnect_discord_account(unit.session, user.id),
        AuditAction.PASSKEY_REMOVED: await delete_all_passkeys(unit.session, user.id),
        AuditAction.MFA_DISABLED: await delete_factors(unit.session, user.id),
    }
    for action in (action for action, was_there in gone.items() if was_there):
        await write_audit(unit.session, actor=actor_of(user), action=action, target=str(user.id))


async def change_password(
    *,
    unit: UnitOfWork,
    hashes: PasswordHashes,
    tokens: AccessTokens,
    identity: Identity,
    current: str,
    password: str,
) -> str:
    """The access token of this session, which alone goes on.

    Raises UnauthenticatedError `auth.password_wrong`, InvalidError or UnavailableError.
    """
    refuse_password(password, own_words=(identity.email, identity.display_name))
    async with reading(unit.engine) as session:
        stored = (await get_user(session, identity.user_id)).password_hash
    right = await hashes.check(current, stored)
    newer = await hashes.make(password) if right else None
    user = await get_user(unit.session, identity.user_id, lock=True)
    # changed since: the old one opens nothing any more
    if newer is None or user.password_hash != stored:
        raise UnauthenticatedError(code="auth.password_wrong")
    await update_user(unit.session, user.id, password_hash=newer)
    await end_account_tokens(unit.session, user.id, now=utc_now())
    await write_audit(
        unit.session, actor=identity.actor, action=AuditAction.PASSWORD_CHANGED, target=str(user.id)
    )
    await _tell(unit, user)
    return await keep_only_this_session(unit=unit, tokens=tokens, identity=identity)


async def _tell(unit: UnitOfWork, user: User) -> None:
    await queue_mail(unit.session, kind=MailKind.PASSWORD_CHANGED, to=user.email, locale=user.locale)
