"""Logging out, whichever of the two cookies is still good; twice is once."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from astero_api.features.accounts.service import actor_of
from astero_api.features.sessions.tokens import hash_refresh_token
from astero_api.web.access_token import AccessToken
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.features.sessions.store import find_refresh_token, find_session, revoke_session


async def log_out(*, session: AsyncSession, access: AccessToken | None, refresh: str | None) -> None:
    """Ends the session the cookies belong to; none of them valid is no error."""
    session_id: UUID | None = None if access is None else access.session_id
    if session_id is None and refresh is not None:
        token = await find_refresh_token(session, hash_refresh_token(refresh))
        session_id = None if token is None else token.session_id
    if session_id is None:
        return
    found = await find_session(session, session_id)
    if found is None:
        return
    ended, user = found
    if await revoke_session(session, user.id, ended.id, now=utc_now()):
        await write_audit(
            session,
            actor=actor_of(user),
            action=AuditAction.SESSION_ENDED,
            target=str(ended.id),
        )
