"""The audit log of a server as its managers see it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from astero_shared.audit.tables import AuditEntry


class ActorOut(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is `user` (dashboard), `member` (Discord) or `system`."""

    kind: str
    id: str
    name: str | None


class AuditEntryOut(msgspec.Struct, frozen=True, kw_only=True):
    """`action` is `source:subject:verb`."""

    id: UUID
    at: datetime
    actor: ActorOut
    action: str
    target: str | None
    details: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditEntryOut":
        return cls(
            id=entry.id,
            at=entry.at,
            actor=ActorOut(kind=entry.actor_kind, id=entry.actor_id, name=entry.actor_name),
            action=entry.action,
            target=entry.target,
            details=entry.details,
        )


class AuditPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Newest first."""

    items: tuple[AuditEntryOut, ...]
    next_cursor: str | None
