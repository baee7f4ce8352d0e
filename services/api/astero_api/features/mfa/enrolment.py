"""Two-step verification on and off. A seed is shown once, and counts as soon as a code of it was proved."""

import base64
from io import BytesIO

import segno

from astero_api.features.mfa.recovery import make_recovery_codes
from astero_api.features.mfa.schemas import EnrolmentOut
from astero_api.features.mfa.service import SecondFactors, is_enabled, wrong_code
from astero_api.features.sessions.service import keep_only_this_session
from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail
from astero_api.web.access_token import AccessTokens
from astero_api.web.identity import Identity
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.crypto.fields import seal, unseal
from astero_shared.errors import ConflictError
from astero_shared.features.mfa.rules import (
    ENROLMENT_LIFETIME,
    matching_step,
    new_seed,
    provisioning_uri,
)
from astero_shared.features.mfa.store import confirm_seed, delete_factors, find_seed, replace_seed

_PLACE = {"table": "totp_seeds", "column": "ciphertext"}


async def begin_enrolment(*, unit: UnitOfWork, factors: SecondFactors, identity: Identity) -> EnrolmentOut:
    """A new seed in place of one that was never proved. Raises ConflictError `mfa.already_enabled`."""
    seed = new_seed()
    sealed = seal(factors.keyring, **_PLACE, row=identity.user_id, plaintext=seed)
    if not await replace_seed(unit.session, identity.user_id, ciphertext=sealed, now=utc_now()):
        raise ConflictError(code="mfa.already_enabled")
    await _audit(unit, identity, AuditAction.MFA_ENROLMENT_BEGUN)
    uri = provisioning_uri(seed, account=identity.email)
    return EnrolmentOut(secret=base64.b32encode(seed).decode(), otpauth_uri=uri, otpauth_qr=_qr(uri))


async def confirm_enrolment(
    *, unit: UnitOfWork, factors: SecondFactors, tokens: AccessTokens, identity: Identity, code: str
) -> tuple[tuple[str, ...], str]:
    """(recovery codes, the access token of this session, which alone goes on).

    Raises UnauthenticatedError `mfa.invalid_code`, or ConflictError when no enrolment is under way.
    """
    now = utc_now()
    seed = await find_seed(unit.session, identity.user_id)
    if seed is not None and seed.confirmed_at is not None:
        raise ConflictError(code="mfa.already_enabled")
    if seed is None or now - seed.created_at > ENROLMENT_LIFETIME:
        raise ConflictError(code="mfa.not_enrolled")
    opened = unseal(factors.keyring, **_PLACE, row=identity.user_id, blob=seed.ciphertext)
    step = matching_step(opened, code, now=now)
    if step is None or not await confirm_seed(unit.session, seed, step=step, now=now):
        raise wrong_code()
    codes = await make_recovery_codes(unit.session, factors.recovery, identity.user_id, now=now)
    await _audit(unit, identity, AuditAction.MFA_ENABLED)
    await _mail(unit, identity, MailKind.MFA_ENABLED)
    return codes, await keep_only_this_session(unit=unit, tokens=tokens, identity=identity)


async def disable(*, unit: UnitOfWork, tokens: AccessTokens, identity: Identity) -> str:
    """The access token of this session, which alone goes on. Raises ConflictError `mfa.not_enabled`."""
    if not await delete_factors(unit.session, identity.user_id):
        raise not_enabled()
    await _audit(unit, identity, AuditAction.MFA_DISABLED)
    await _mail(unit, identity, MailKind.MFA_DISABLED)
    return await keep_only_this_session(unit=unit, tokens=tokens, identity=identity)


async def renew_recovery_codes(
    *, unit: UnitOfWork, factors: SecondFactors, identity: Identity
) -> tuple[str, ...]:
    """Ten in place of all before. Raises ConflictError `mfa.not_enabled`."""
    if not await is_enabled(unit.session, identity.user_id):
        raise not_enabled()
    await _audit(unit, identity, AuditAction.MFA_RECOVERY_CODES_RENEWED)
    return await make_recovery_codes(unit.session, factors.recovery, identity.user_id, now=utc_now())


def not_enabled() -> ConflictError:
    return ConflictError(code="mfa.not_enabled")


async def _audit(unit: UnitOfWork, identity: Identity, action: AuditAction) -> None:
    await write_audit(unit.session, actor=identity.actor, action=action, target=str(identity.user_id))


async def _mail(unit: UnitOfWork, identity: Identity, kind: MailKind) -> None:
    await queue_mail(unit.session, kind=kind, to=identity.email, locale=identity.locale)


def _qr(uri: str) -> str:
    """A whole SVG document."""
    drawn = BytesIO()
    segno.make_qr(uri, error="m").save(drawn, kind="svg", scale=4, border=4, xmldecl=False)
    return drawn.getvalue().decode()
