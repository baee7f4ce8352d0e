"""One function writes the audit log, on the session of the change it tells of."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.audit.actions import AuditAction
from astero_shared.audit.tables import AuditEntry
from astero_shared.clock import utc_now
from astero_shared.ids import new_id
from astero_shared.scope import Actor


async def write_audit(
    session: AsyncSession,
    *,
    actor: Actor,
    action: AuditAction,
    bot_id: UUID | None = None,
    guild_id: int | None = None,
    target: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Add one row in the caller's transaction. `details` holds no secret and no text of a message."""
    await session.exec(
        insert(AuditEntry).values(
            id=new_id(),
            at=utc_now(),
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name,
            bot_id=bot_id,
            guild_id=guild_id,
            action=action.value,
            target=target,
            details=details or {},
        )
    )
