"""Signing in, staying in and leaving. Tokens leave only as cookies."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from astero_api.features.accounts.passwords import PasswordHashes
from astero_api.features.accounts.service import actor_of
from astero_api.features.sessions.devices import tell_new_device
from astero_api.features.sessions.tokens import (
    MAX_SESSIONS,
    REFRESH_IDLE,
    SESSION_LIFETIME,
    hash_refresh_token,
    new_refresh_token,
)
from astero_api.web.access import not_signed_in
from astero_api.web.access_token import AccessTokens
from astero_api.web.identity import Identity
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.db.session import reading
from astero_shared.errors import NotFoundError, UnauthenticatedError, UnavailableError
from astero_shared.features.accounts.rules import email_key
from astero_shared.features.accounts.store import (
    bump_token_version,
    find_user_by_email,
    get_user,
    update_password_hash,
)
from astero_shared.features.accounts.tables import User
from astero_shared.features.sessions.rules import Method, joined, known_methods
from astero_shared.features.sessions.store import (
    find_session,
    insert_refresh_token,
    insert_session,
    list_live_sessions,
    revoke_all_sessions,
    revoke_session,
    update_authentication,
)
from astero_shared.features.sessions.tables import RefreshToken, Session
from astero_shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Tokens:
    """One pair for the cookies; `refresh_seconds` is how long the refresh token may lie unused."""

    access: str
    refresh: str
    refresh_seconds: int


@dataclass(frozen=True, slots=True)
class Device:
    """What is kept of where a sign-in came from, for its owner to recognise it by."""

    user_agent: str | None
    ip: str


async def prove_password(*, unit: UnitOfWork, hashes: PasswordHashes, email: str, password: str) -> User:
    """Whose address and password these are, locked: the first factor, by which alone nobody is signed in.

    Raises UnauthenticatedError `auth.invalid_credentials`, the same for every kind of wrong. The hash is
    checked between two short looks at the database, so that no connection waits a second for it.
    """
    wrong = UnauthenticatedError(code="auth.invalid_credentials")
    known: User | None = None
    stored: str | None = None

    async def find() -> str | None:
        nonlocal known, stored
        async with reading(unit.engine) as session:
            known = await find_user_by_email(session, email_key(email))
        stored = known.password_hash if known is not None and known.status == "active" else None
        return stored

    if not await hashes.check_found(password, find) or known is None or stored is None:
        raise wrong
    newer = await _made_anew(hashes, password, stored)

    user = await get_user(unit.session, known.id, lock=True)
    if user.status != "active" or user.password_hash != stored:
        raise wrong
    if newer is not None:
        await update_password_hash(unit.session, user.id, old=stored, new=newer)
    return user


async def _made_anew(hashes: PasswordHashes, password: str, stored: str) -> str | None:
    """The hash with today's cost and pepper; None where it is that, or where nobody has time to make it."""
    if not hashes.is_outdated(stored):
        return None
    with suppress(UnavailableError):
        return await hashes.make(password)
    return None


async def start_session(
    *,
    session: AsyncSession,
    tokens: AccessTokens,
    user: User,
    device: Device,
    proved: tuple[Method, ...],
) -> Tokens:
    """Sign the user in; `proved` says how they have shown who they are. The oldest session makes room."""
    now = utc_now()
    await _make_room(session, user, now)
    await tell_new_device(session, user, user_agent=device.user_agent, ip=device.ip)
    sign_in = Session(
        id=new_id(),
        user_id=user.id,
        created_at=now,
        last_seen_at=now,
        expires_at=now + SESSION_LIFETIME,
        authenticated_at=now,
        amr=list(proved),
        user_agent=device.user_agent,
        ip=device.ip,
    )
    await insert_session(session, sign_in)
    await write_audit(
        session,
        actor=actor_of(user),
        action=AuditAction.SESSION_STARTED,
        target=str(sign_in.id),
        details={"amr": list(proved)},
        personal={"ip": device.ip},
    )
    return await issue(session=session, tokens=tokens, user=user, sign_in=sign_in, now=now)


async def _make_room(session: AsyncSession, user: User, now: datetime) -> None:
    live = await list_live_sessions(session, user.id, now=now, unused_since=now - REFRESH_IDLE)
    for oldest in live[MAX_SESSIONS - 1 :]:
        await revoke_session(session, user.id, oldest.id, now=now)
        await write_audit(
            session,
            actor=actor_of(user),
            action=AuditAction.SESSION_ENDED,
            target=str(oldest.id),
            details={"reason": "too_many"},
        )


async def issue(
    *,
    session: AsyncSession,
    tokens: AccessTokens,
    user: User,
    sign_in: Session,
    now: datetime,
    refresh: str | None = None,
) -> Tokens:
    """A pair of tokens for a live session; `refresh` where the caller has chosen it already."""
    chosen = refresh or new_refresh_token()
    expires_at = min(now + REFRESH_IDLE, sign_in.expires_at)
    await insert_refresh_token(
        session,
        RefreshToken(
            token_hash=hash_refresh_token(chosen),
            session_id=sign_in.id,
            created_at=now,
            expires_at=expires_at,
        ),
    )
    return Tokens(
        access=access_token(tokens=tokens, user=user, sign_in=sign_in),
        refresh=chosen,
        refresh_seconds=int((expires_at - now).total_seconds()),
    )


def access_token(*, tokens: AccessTokens, user: User, sign_in: Session) -> str:
    """What the two rows say now."""
    return tokens.issue(
        user_id=user.id,
        session_id=sign_in.id,
        token_version=user.token_version,
        authenticated_at=sign_in.authenticated_at,
        amr=known_methods(sign_in.amr),
    )


async def end_session(*, unit: UnitOfWork, identity: Identity, session_id: UUID) -> None:
    """Raises NotFoundError for a session that is not the user's or has ended."""
    if not await revoke_session(unit.session, identity.user_id, session_id, now=utc_now()):
        raise NotFoundError(code="sessions.not_found")
    await write_audit(
        unit.session, actor=identity.actor, action=AuditAction.SESSION_ENDED, target=str(session_id)
    )


async def end_all_sessions(*, unit: UnitOfWork, identity: Identity) -> None:
    """Every session of the user, this one included, from its next request on."""
    await revoke_all_sessions(unit.session, identity.user_id, now=utc_now())
    await bump_token_version(unit.session, identity.user_id)
    await write_audit(
        unit.session,
        actor=identity.actor,
        action=AuditAction.SESSION_ENDED,
        target=str(identity.user_id),
        details={"all": True},
    )


async def keep_only_this_session(*, unit: UnitOfWork, tokens: AccessTokens, identity: Identity) -> str:
    """After a change of how one signs in: every other session ends; a new access token for this one."""
    found = await find_session(unit.session, identity.session_id, lock=True)
    if found is None or found[0].revoked_at is not None:
        raise not_signed_in()
    await revoke_all_sessions(unit.session, identity.user_id, now=utc_now(), but=identity.session_id)
    await bump_token_version(unit.session, identity.user_id)
    await write_audit(
        unit.session,
        actor=identity.actor,
        action=AuditAction.SESSION_ENDED,
        target=str(identity.user_id),
        details={"all": True, "but": str(identity.session_id)},
    )
    user = await get_user(unit.session, identity.user_id)
    return access_token(tokens=tokens, user=user, sign_in=found[0])


async def renew_proof(
    *, session: AsyncSession, tokens: AccessTokens, identity: Identity, proved: tuple[Method, ...]
) -> str:
    """The session counts as proved now; the access token that says so."""
    now = utc_now()
    found = await find_session(session, identity.session_id, lock=True)
    if found is None or found[0].revoked_at is not None or found[1].status != "active":
        raise not_signed_in()
    sign_in, user = found
    await update_authentication(session, sign_in, amr=joined(known_methods(sign_in.amr), proved), now=now)
    await write_audit(
        session,
        actor=identity.actor,
        action=AuditAction.SESSION_REAUTHENTICATED,
        target=str(sign_in.id),
        details={"amr": list(proved)},
    )
    return access_token(tokens=tokens, user=user, sign_in=sign_in)
