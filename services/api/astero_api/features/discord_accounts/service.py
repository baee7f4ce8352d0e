"""Signing in with Discord, and connecting a Discord account to one that is signed in already."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_api.features.accounts.service import actor_of, refuse_locking_out
from astero_api.features.discord_accounts.oauth import DiscordUser, Tokens
from astero_api.features.discord_accounts.sealing import seal_tokens
from astero_api.features.sessions.service import keep_only_this_session
from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail
from astero_api.web.access_token import AccessTokens
from astero_api.web.identity import Identity
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.crypto.keyring import Keyring
from astero_shared.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from astero_shared.features.accounts.rules import email_key, is_email
from astero_shared.features.accounts.store import find_user_by_email, get_user, insert_user
from astero_shared.features.accounts.tables import User
from astero_shared.features.discord_accounts.store import (
    connect_discord_account,
    disconnect_discord_account,
    find_user_by_discord_id,
)
from astero_shared.i18n import nearest_locale


async def connect_account(
    *,
    session: AsyncSession,
    keyring: Keyring,
    user_id: UUID,
    discord_user: DiscordUser,
    tokens: Tokens,
    proved: bool,
) -> bool:
    """Connect, or renew what is connected; True for the latter, by which Discord vouches for the user again.

    Raises ConflictError when it is another user's, and ForbiddenError `auth.reauthentication_required` where
    a new one would become a way in and nobody has just `proved` whose account this is.
    """
    user = await get_user(session, user_id, lock=True)
    _refuse_inactive(user)
    taken = ConflictError(code="discord_accounts.taken")
    known = await find_user_by_discord_id(session, int(discord_user.id))
    if known is not None and known.id != user.id:
        raise taken
    if known is None and not proved:
        raise ForbiddenError(code="auth.reauthentication_required")
    await _store(session, keyring, user, discord_user, tokens, taken=taken)
    if known is None:
        await _audit_connected(session, user, discord_user)
        await queue_mail(
            session,
            kind=MailKind.DISCORD_CONNECTED,
            to=user.email,
            locale=user.locale,
            details={"name": discord_user.username},
        )
    return known is not None


async def disconnect_account(
    *, unit: UnitOfWork, tokens: AccessTokens, identity: Identity
) -> tuple[bytes, str]:
    """(its sealed refresh token, for Discord to forget; the access token of the one session that goes on).

    Raises NotFoundError `discord_accounts.not_found`, or ConflictError `accounts.last_way_in`.
    """
    user = await get_user(unit.session, identity.user_id, lock=True)
    gone = await disconnect_discord_account(unit.session, user.id)
    if gone is None:
        raise NotFoundError(code="discord_accounts.not_found")
    await refuse_locking_out(unit.session, user)
    await write_audit(
        unit.session,
        actor=identity.actor,
        action=AuditAction.DISCORD_DISCONNECTED,
        target=str(user.id),
        personal={"discordUserId": str(gone.discord_user_id)},
    )
    await queue_mail(
        unit.session,
        kind=MailKind.DISCORD_DISCONNECTED,
        to=user.email,
        locale=user.locale,
        details={"name": gone.username},
    )
    access = await keep_only_this_session(unit=unit, tokens=tokens, identity=identity)
    return gone.refresh_ciphertext, access


async def sign_in_user(
    *, session: AsyncSession, keyring: Keyring, discord_user: DiscordUser, tokens: Tokens
) -> User:
    """The user of this Discord account, made now if there is none.

    People are recognised by their Discord id alone: an address that has an account is never taken over by
    whoever shows the same address at Discord.
    """
    # Who suspends the account meanwhile waits for the session to begin, and ends it, or is seen here.
    known = await find_user_by_discord_id(session, int(discord_user.id), lock=True)
    user = known or await _register(session, discord_user)
    _refuse_inactive(user)
    taken = ConflictError(code="discord_accounts.taken", sentence="discord_accounts.try_again")
    await _store(session, keyring, user, discord_user, tokens, taken=taken)
    if known is None:
        await _audit_connected(session, user, discord_user)
    return user


async def _register(session: AsyncSession, discord_user: DiscordUser) -> User:
    email = discord_user.email
    if email is None or not discord_user.verified or not is_email(email):
        raise InvalidError(code="discord_accounts.email_unverified")
    taken = ConflictError(code="accounts.email_taken", sentence="discord_accounts.email_taken")
    if await find_user_by_email(session, email_key(email)) is not None:
        raise taken
    user = User(
        email=email,
        email_key=email_key(email),
        display_name=discord_user.global_name or discord_user.username,
        locale=nearest_locale(discord_user.locale),
        created_at=utc_now(),
        # Discord has seen them read a letter to it
        email_verified_at=utc_now(),
    )
    try:
        await insert_user(session, user)
    except IntegrityError:
        raise taken from None
    await write_audit(
        session,
        actor=actor_of(user),
        action=AuditAction.ACCOUNT_REGISTERED,
        target=str(user.id),
        details={"through": "discord"},
    )
    return user


def _refuse_inactive(user: User) -> None:
    if user.status != "active":
        raise ForbiddenError(code="accounts.suspended")


async def _store(
    session: AsyncSession,
    keyring: Keyring,
    user: User,
    discord_user: DiscordUser,
    tokens: Tokens,
    *,
    taken: ConflictError,
) -> None:
    try:
        await connect_discord_account(
            session,
            user_id=user.id,
            discord_user_id=int(discord_user.id),
            username=discord_user.username,
            now=utc_now(),
            **seal_tokens(keyring, user.id, tokens),
        )
    except IntegrityError:
        raise taken from None


async def _audit_connected(session: AsyncSession, user: User, discord_user: DiscordUser) -> None:
    await write_audit(
        session,
        actor=actor_of(user),
        action=AuditAction.DISCORD_CONNECTED,
        target=str(user.id),
        personal={"discordUserId": discord_user.id},
    )
