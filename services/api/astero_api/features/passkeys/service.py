"""Passkeys: making, naming and removing them, and what one proves.

A challenge is used up whatever comes of it.
"""

import secrets
from contextlib import nullcontext
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_api.features.accounts.service import actor_of, refuse_locking_out
from astero_api.features.passkeys.ceremony import (
    HANDLE_BYTES,
    TIMEOUT_SECONDS,
    PasskeyInvalidError,
    RelyingParty,
    challenge_in,
    check_assertion,
    check_attestation,
    creation_options,
    credential_bytes,
    known_transports,
    new_challenge,
    request_options,
)
from astero_api.features.passkeys.schemas import AssertionIn, PasskeyIn
from astero_api.features.sessions.service import keep_only_this_session
from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail
from astero_api.web.access_token import AccessTokens
from astero_api.web.identity import Identity
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.db.session import transaction
from astero_shared.errors import ConflictError, UnauthenticatedError
from astero_shared.features.accounts.store import get_user
from astero_shared.features.passkeys.store import (
    advance_sign_count,
    delete_passkey,
    find_by_credential,
    insert_challenge,
    insert_passkey,
    list_passkeys,
    rename_passkey,
    take_challenge,
)
from astero_shared.features.passkeys.tables import Passkey, PasskeyChallenge, Purpose

MAX_PASSKEYS: Final = 20
_LIFETIME: Final = timedelta(seconds=TIMEOUT_SECONDS)


def refused() -> UnauthenticatedError:
    """One answer for every passkey that proves nothing here."""
    return UnauthenticatedError(code="passkeys.refused")


async def begin_registration(*, unit: UnitOfWork, party: RelyingParty, identity: Identity) -> dict[str, Any]:
    """Creation options. Raises ConflictError `passkeys.too_many`."""
    known = await _known(unit.session, identity.user_id)
    # one handle for all the passkeys of a user, so that a device keeps one entry
    handle = known[0].user_handle if known else secrets.token_bytes(HANDLE_BYTES)
    challenge = await _give_challenge(
        unit.session, "register", bound_to=identity.session_id, user_handle=handle
    )
    return creation_options(
        party,
        challenge=challenge,
        user_handle=handle,
        account=identity.email,
        display_name=identity.display_name or identity.email,
        known=known,
    )


async def register_passkey(
    *, unit: UnitOfWork, party: RelyingParty, identity: Identity, command: PasskeyIn
) -> Passkey:
    """Raises UnauthenticatedError `passkeys.refused`, ConflictError `passkeys.too_many` or `.known`."""
    given = command.credential
    challenge, row = await _take_challenge(
        unit, given.response.client_data_json, "register", bound_to=identity.session_id
    )
    try:
        verified = check_attestation(party, given, challenge=challenge)
    except PasskeyInvalidError:
        raise refused() from None
    # the lock makes two at once one after another, so that neither passes the highest number
    await get_user(unit.session, identity.user_id, lock=True)
    await _known(unit.session, identity.user_id)
    passkey = Passkey(
        user_id=identity.user_id,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        user_handle=row.user_handle or b"",
        sign_count=verified.sign_count,
        transports=known_transports(given.response.transports),
        backed_up=verified.credential_backed_up,
        name=command.name,
        created_at=utc_now(),
    )
    try:
        await insert_passkey(unit.session, passkey)
    except IntegrityError:
        raise ConflictError(code="passkeys.known") from None
    await _tell(unit, identity, AuditAction.PASSKEY_ADDED, MailKind.PASSKEY_ADDED, passkey.id, passkey.name)
    return passkey


async def rename(*, unit: UnitOfWork, identity: Identity, passkey_id: UUID, name: str) -> Passkey:
    """Raises NotFoundError `passkeys.not_found`."""
    passkey = await rename_passkey(unit.session, identity.user_id, passkey_id, name=name)
    await write_audit(
        unit.session, actor=identity.actor, action=AuditAction.PASSKEY_RENAMED, target=str(passkey_id)
    )
    return passkey


async def remove(*, unit: UnitOfWork, tokens: AccessTokens, identity: Identity, passkey_id: UUID) -> str:
    """The access token of this session, which alone goes on: others may have begun with that passkey.

    Raises NotFoundError `passkeys.not_found`, or ConflictError `accounts.last_way_in`.
    """
    user = await get_user(unit.session, identity.user_id, lock=True)
    name = await delete_passkey(unit.session, identity.user_id, passkey_id)
    await refuse_locking_out(unit.session, user)
    await _tell(unit, identity, AuditAction.PASSKEY_REMOVED, MailKind.PASSKEY_REMOVED, passkey_id, name)
    return await keep_only_this_session(unit=unit, tokens=tokens, identity=identity)


async def begin_assertion(
    *,
    session: AsyncSession,
    party: RelyingParty,
    purpose: Purpose,
    user_id: UUID | None = None,
    bound_to: UUID | None = None,
) -> dict[str, Any]:
    """Request options: for the passkeys of `user_id`, or for whatever the browser has."""
    known = () if user_id is None else await list_passkeys(session, user_id)
    challenge = await _give_challenge(session, purpose, bound_to=bound_to)
    return request_options(party, challenge=challenge, known=known)


async def use_passkey(
    *,
    unit: UnitOfWork,
    party: RelyingParty,
    given: AssertionIn,
    purpose: Purpose,
    user_id: UUID | None = None,
    bound_to: UUID | None = None,
    committed: bool = False,
) -> Passkey | None:
    """The passkey that has signed, of `user_id` where that is known already.

    None when the key is right and its count did not rise: a copy of it is about. The answer is a refusal
    after the commit, so that the audit row stays. All else raises UnauthenticatedError `passkeys.refused`.
    `committed` says that the caller's transaction is kept whatever comes of this.
    """
    challenge, _ = await _take_challenge(
        unit, given.response.client_data_json, purpose, bound_to=bound_to, committed=committed
    )
    try:
        passkey = await find_by_credential(unit.session, credential_bytes(given.raw_id))
        handle = None if given.response.user_handle is None else credential_bytes(given.response.user_handle)
        if passkey is None or (user_id is not None and passkey.user_id != user_id):
            raise refused()
        # without a name before it, the handle is what says whose it is (Web Authentication, 7.2 step 6)
        if (handle is None and user_id is None) or (handle is not None and handle != passkey.user_handle):
            raise refused()
        verified = check_assertion(party, given, passkey, challenge=challenge)
    except PasskeyInvalidError:
        raise refused() from None
    if not await advance_sign_count(unit.session, passkey, sign_count=verified.new_sign_count, now=utc_now()):
        await _tell_copied(unit, passkey, sent=verified.new_sign_count)
        unit.refuse_after_commit(refused())
        return None
    return passkey


async def _tell_copied(unit: UnitOfWork, passkey: Passkey, *, sent: int) -> None:
    owner = await get_user(unit.session, passkey.user_id)
    await write_audit(
        unit.session,
        actor=actor_of(owner),
        action=AuditAction.PASSKEY_COPIED,
        target=str(passkey.id),
        details={"stored": passkey.sign_count, "sent": sent},
    )
    await queue_mail(
        unit.session,
        kind=MailKind.PASSKEY_COPIED,
        to=owner.email,
        locale=owner.locale,
        details={"name": passkey.name},
    )


async def is_own_passkey(
    *,
    unit: UnitOfWork,
    party: RelyingParty,
    given: AssertionIn,
    purpose: Purpose,
    user_id: UUID,
    bound_to: UUID,
) -> bool:
    """Whether a passkey of this user has signed for this purpose; the transaction is kept either way."""
    try:
        passkey = await use_passkey(
            unit=unit,
            party=party,
            given=given,
            purpose=purpose,
            user_id=user_id,
            bound_to=bound_to,
            committed=True,
        )
    except UnauthenticatedError:
        return False
    return passkey is not None


async def _known(session: AsyncSession, user_id: UUID) -> list[Passkey]:
    known = list(await list_passkeys(session, user_id))
    if len(known) >= MAX_PASSKEYS:
        raise ConflictError(code="passkeys.too_many")
    return known


async def _give_challenge(
    session: AsyncSession, purpose: Purpose, *, bound_to: UUID | None, user_handle: bytes | None = None
) -> bytes:
    challenge, now = new_challenge(), utc_now()
    await insert_challenge(
        session,
        PasskeyChallenge(
            challenge_hash=sha256(challenge).digest(),
            purpose=purpose,
            bound_to=bound_to,
            user_handle=user_handle,
            created_at=now,
            expires_at=now + _LIFETIME,
        ),
    )
    return challenge


async def _take_challenge(
    unit: UnitOfWork, client_data: str, purpose: Purpose, *, bound_to: UUID | None, committed: bool = False
) -> tuple[bytes, PasskeyChallenge]:
    """In a transaction of its own, before the request's own has a connection: a refusal does not undo it."""
    try:
        challenge = challenge_in(client_data)
    except PasskeyInvalidError:
        raise refused() from None
    kept = nullcontext(unit.session) if committed else transaction(unit.engine)
    async with kept as session:
        row = await take_challenge(
            session, sha256(challenge).digest(), purpose=purpose, bound_to=bound_to, now=utc_now()
        )
    if row is None:
        raise refused()
    return challenge, row


async def _tell(
    unit: UnitOfWork, identity: Identity, action: AuditAction, kind: MailKind, passkey_id: UUID, name: str
) -> None:
    await write_audit(
        unit.session, actor=identity.actor, action=action, target=str(passkey_id), personal={"passkey": name}
    )
    await queue_mail(
        unit.session, kind=kind, to=identity.email, locale=identity.locale, details={"name": name}
    )
