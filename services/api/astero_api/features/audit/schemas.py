"""The audit log as the managers of a server see it, and as a user sees what concerns themselves."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from astero_shared.audit.tables import AuditEntry


class ActorOut(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is `user` (dashboard), `member` (Discord) or `system`; a name may have been forgotten."""

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
            actor=_actor(entry),
            action=entry.action,
            target=entry.target,
            details=_details(entry),
        )


class AuditPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Newest first."""

    items: tuple[AuditEntryOut, ...]
    next_cursor: str | None


class OwnEntryOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`botId` and `guildId` say where, when it was on a bot or in a server."""

    id: UUID
    at: datetime
    actor: ActorOut
    action: str
    target: str | None
    bot_id: UUID | None
    guild_id: str | None
    details: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry) -> "OwnEntryOut":
        return cls(
            id=entry.id,
            at=entry.at,
            actor=_actor(entry),
            action=entry.action,
            target=entry.target,
            bot_id=entry.bot_id,
            guild_id=None if entry.guild_id is None else str(entry.guild_id),
            details=_details(entry),
        )


class OwnEntriesPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Newest first."""

    items: tuple[OwnEntryOut, ...]
    next_cursor: str | None


def _actor(entry: AuditEntry) -> ActorOut:
    name = (entry.personal or {}).get("name")
    return ActorOut(kind=entry.actor_kind, id=entry.actor_id, name=name)


def _details(entry: AuditEntry) -> dict[str, Any]:
    personal = {name: value for name, value in (entry.personal or {}).items() if name != "name"}
    return entry.details | personal
