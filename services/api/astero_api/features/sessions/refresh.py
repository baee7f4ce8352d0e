"""Refreshing: a token never has two successors, and a second use that is no accident ends the session.

RFC 9700, 4.14.2: whoever holds a copy is found out by its use, so used tokens are kept until they expire.
"""

from astero_api.features.accounts.service import actor_of
from astero_api.features.sessions.service import Tokens, issue
from astero_api.features.sessions.tokens import REPLAY_GRACE, hash_refresh_token, new_refresh_token
from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail
from astero_api.web.access import not_signed_in
from astero_api.web.access_token import AccessTokens
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.errors import ConflictError
from astero_shared.features.accounts.store import bump_token_version
from astero_shared.features.sessions.store import (
    claim_refresh_token,
    find_refresh_token,
    find_session,
    revoke_session,
    touch_session,
)


async def refresh_session(*, unit: UnitOfWork, tokens: AccessTokens, presented: str) -> Tokens | None:
    """The next pair; None when a copy was used and the session has been ended with this transaction.

    Raises UnauthenticatedError, or ConflictError `auth.refresh_in_progress` soon after the first use.
    """
    now = utc_now()
    token_hash = hash_refresh_token(presented)
    successor = new_refresh_token()
    session_id = await claim_refresh_token(
        unit.session, token_hash, successor=hash_refresh_token(successor), now=now
    )
    if session_id is None:
        await _judge_replay(unit, token_hash)
        return None
    found = await find_session(unit.session, session_id)
    if found is None:
        raise not_signed_in()
    session, user = found
    if session.revoked_at is not None or session.expires_at <= now or user.status != "active":
        raise not_signed_in()
    await touch_session(unit.session, session.id, now=now)
    return await issue(
        session=unit.session, tokens=tokens, user=user, sign_in=session, now=now, refresh=successor
    )


async def _judge_replay(unit: UnitOfWork, token_hash: bytes) -> None:
    now = utc_now()
    token = await find_refresh_token(unit.session, token_hash)
    if token is None or token.used_at is None:
        raise not_signed_in()
    found = await find_session(unit.session, token.session_id, lock=True)
    if found is None or found[0].revoked_at is not None:
        raise not_signed_in()
    if now - token.used_at <= REPLAY_GRACE:
        raise ConflictError(code="auth.refresh_in_progress")
    session, user = found
    await revoke_session(unit.session, user.id, session.id, now=now)
    await bump_token_version(unit.session, user.id)
    await write_audit(
        unit.session, actor=actor_of(user), action=AuditAction.SESSION_REUSED, target=str(session.id)
    )
    await queue_mail(unit.session, kind=MailKind.SESSION_THEFT, to=user.email, locale=user.locale)
    unit.refuse_after_commit(not_signed_in())
