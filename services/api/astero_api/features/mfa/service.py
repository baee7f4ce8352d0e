"""The second factor at a sign-in: asked for whoever has one, whatever the first was; five attempts."""

from dataclasses import dataclass
from uuid import UUID

from msgspec import UNSET
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_api.features.accounts.service import actor_of
from astero_api.features.mfa.recovery import RecoveryHashes, use_recovery_code
from astero_api.features.mfa.schemas import VerifyIn
from astero_api.features.passkeys.service import RelyingParty, is_own_passkey
from astero_api.features.passkeys.service import refused as wrong_passkey
from astero_api.features.sessions.service import Device, Tokens, start_session
from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail
from astero_api.web.access import not_signed_in
from astero_api.web.access_token import AccessTokens
from astero_api.web.second_step import SecondStep, SecondStepDue, SecondStepTokens
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.crypto.fields import unseal
from astero_shared.crypto.keyring import Keyring
from astero_shared.errors import UnauthenticatedError
from astero_shared.features.accounts.store import bump_token_version, get_user
from astero_shared.features.accounts.tables import User
from astero_shared.features.mfa.rules import LOGIN_LIFETIME, matching_step
from astero_shared.features.mfa.store import (
    advance_step,
    claim_attempt,
    count_recovery_codes,
    end_pending_login,
    find_seed,
    insert_pending_login,
)
from astero_shared.features.mfa.tables import PendingLogin
from astero_shared.features.passkeys.store import list_passkeys
from astero_shared.features.sessions.rules import Method, joined, known_methods
from astero_shared.features.sessions.store import revoke_all_sessions
from astero_shared.ids import new_id


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """What checking one needs: the keys of the seeds, of the recovery codes and of the pending logins, and
    for whom a passkey must have signed.
    """

    keyring: Keyring
    recovery: RecoveryHashes
    steps: SecondStepTokens
    party: RelyingParty


def wrong_code() -> UnauthenticatedError:
    """One answer for a code that is wrong, used, old, early, somebody else's or none at all."""
    return UnauthenticatedError(code="mfa.invalid_code")


async def is_enabled(session: AsyncSession, user_id: UUID) -> bool:
    seed = await find_seed(session, user_id)
    return seed is not None and seed.confirmed_at is not None


async def sign_in(
    *,
    session: AsyncSession,
    tokens: AccessTokens,
    factors: SecondFactors,
    user: User,
    device: Device,
    proved: tuple[Method, ...],
) -> Tokens | SecondStepDue:
    """Sign in whoever has proved the first factor, unless a second is due.

    Every door leads through here: a password, Discord, a reset password.
    """
    if not await is_enabled(session, user.id):
        return await start_session(session=session, tokens=tokens, user=user, device=device, proved=proved)
    now = utc_now()
    login = PendingLogin(
        id=new_id(),
        user_id=user.id,
        token_version=user.token_version,
        amr=list(proved),
        created_at=now,
        expires_at=now + LOGIN_LIFETIME,
    )
    await insert_pending_login(session, login)
    token = factors.steps.issue(SecondStep(user_id=user.id, login_id=login.id))
    if await list_passkeys(session, user.id):
        return SecondStepDue(token, ("passkey", "totp", "recovery_code"))
    return SecondStepDue(token, ("totp", "recovery_code"))


async def use_code(session: AsyncSession, factors: SecondFactors, user_id: UUID, code: str) -> bool:
    """Whether it is a code of the user's app that was not used before; it is used up."""
    seed = await find_seed(session, user_id)
    if seed is None or seed.confirmed_at is None:
        return False
    step = matching_step(
        unseal(factors.keyring, table="totp_seeds", column="ciphertext", row=user_id, blob=seed.ciphertext),
        code,
        now=utc_now(),
    )
    return step is not None and await advance_step(session, seed, step=step)


async def verify_second_factor(
    *,
    unit: UnitOfWork,
    tokens: AccessTokens,
    factors: SecondFactors,
    step: SecondStep,
    command: VerifyIn,
    device: Device,
) -> tuple[User, Tokens] | None:
    """Finish a pending login. None when the proof was wrong: the attempt is kept, the answer a refusal.

    Raises UnauthenticatedError `auth.unauthenticated` when there is no such login any more.
    """
    now = utc_now()
    login = await claim_attempt(unit.session, step.login_id, now=now)
    if login is None or login.user_id != step.user_id:
        raise not_signed_in()
    user = await get_user(unit.session, login.user_id, lock=True)
    if user.status != "active" or user.token_version != login.token_version:
        raise not_signed_in()
    used, right = await _check(unit, factors, step, command)
    if not right:
        await write_audit(
            unit.session,
            actor=actor_of(user),
            action=AuditAction.MFA_REFUSED,
            target=str(user.id),
            details={"method": used},
            personal={"ip": device.ip},
        )
        unit.refuse_after_commit(wrong_passkey() if used == "pop" else wrong_code())
        return None
    await end_pending_login(unit.session, login, now=now)
    if used == "rec":
        user = await _end_everything(unit, user, device)
    proved = joined(known_methods(login.amr), (used, "mfa"))
    return user, await start_session(
        session=unit.session, tokens=tokens, user=user, device=device, proved=proved
    )


async def _check(
    unit: UnitOfWork, factors: SecondFactors, step: SecondStep, command: VerifyIn
) -> tuple[Method, bool]:
    """Which of the three was sent, and whether it is right; right ones are used up."""
    if command.recovery_code is not UNSET:
        right = await use_recovery_code(
            unit.session, factors.recovery, step.user_id, command.recovery_code, now=utc_now()
        )
        return "rec", right
    if command.passkey is not UNSET:
        return "pop", await is_own_passkey(
            unit=unit,
            party=factors.party,
            given=command.passkey,
            purpose="second_step",
            user_id=step.user_id,
            bound_to=step.login_id,
        )
    return "otp", await use_code(unit.session, factors, step.user_id, command.code or "")


async def _end_everything(unit: UnitOfWork, user: User, device: Device) -> User:
    """Whoever had to use a recovery code may have lost more than the app."""
    await revoke_all_sessions(unit.session, user.id, now=utc_now())
    await bump_token_version(unit.session, user.id)
    await write_audit(
        unit.session,
        actor=actor_of(user),
        action=AuditAction.MFA_RECOVERY_CODE_USED,
        target=str(user.id),
        personal={"ip": device.ip},
    )
    left = await count_recovery_codes(unit.session, user.id)
    await queue_mail(
        unit.session,
        kind=MailKind.RECOVERY_CODE_USED,
        to=user.email,
        locale=user.locale,
        details={"left": str(left)},
    )
    return await get_user(unit.session, user.id)
