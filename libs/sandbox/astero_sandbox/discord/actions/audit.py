"""The audit log: who did what to whom and why; bots that may read it hear of each entry."""

from typing import Any, Final

from astero_sandbox.discord import permissions
from astero_sandbox.discord.broadcast import Broadcast
from astero_sandbox.discord.gateway import protocol
from astero_sandbox.discord.models import AuditEntry, Channel, Guild, Json, Message
from astero_sandbox.discord.world import World

KEPT: Final = 1000

# https://discord.com/developers/docs/resources/audit-log#audit-log-entry-object-audit-log-events
KICK: Final = 20
BAN_ADD: Final = 22
BAN_REMOVE: Final = 23
MEMBER_UPDATE: Final = 24
MEMBER_ROLE_UPDATE: Final = 25
ROLE_CREATE: Final = 30
ROLE_UPDATE: Final = 31
ROLE_DELETE: Final = 32
CHANNEL_CREATE: Final = 10
CHANNEL_UPDATE: Final = 11
CHANNEL_DELETE: Final = 12
MESSAGE_DELETE: Final = 72
MESSAGE_BULK_DELETE: Final = 73


def payload(entry: AuditEntry) -> Json:
    body: Json = {
        "id": str(entry.id),
        "action_type": entry.action_type,
        "user_id": str(entry.user_id),
        "target_id": None if entry.target_id is None else str(entry.target_id),
    }
    if entry.changes:
        body["changes"] = entry.changes
    if entry.options:
        body["options"] = entry.options
    if entry.reason is not None:
        body["reason"] = entry.reason
    return body


class AuditLog:
    def __init__(self, world: World, broadcast: Broadcast) -> None:
        self._world = world
        self._broadcast = broadcast

    def record(
        self,
        guild: Guild,
        action_type: int,
        *,
        by: int,
        target: int | None,
        reason: str | None,
        changes: list[Json] | None = None,
        options: dict[str, str] | None = None,
    ) -> None:
        entry = AuditEntry(
            id=self._world.ids.next_id(),
            action_type=action_type,
            user_id=by,
            target_id=target,
            reason=reason,
            changes=changes or [],
            options=options or {},
        )
        guild.audit.append(entry)
        del guild.audit[:-KEPT]
        self._world.dirty = True
        self._broadcast.to_guild(
            guild,
            "GUILD_AUDIT_LOG_ENTRY_CREATE",
            payload(entry) | {"guild_id": str(guild.id)},
            intents=protocol.GUILD_MODERATION,
            needs=permissions.VIEW_AUDIT_LOG,
        )

    def message_delete(self, guild: Guild, record: Message, *, by: int, reason: str | None) -> None:
        self.record(
            guild,
            MESSAGE_DELETE,
            by=by,
            target=record.author_id,
            reason=reason,
            options={"channel_id": str(record.channel_id), "count": "1"},
        )

    def bulk_delete(self, guild: Guild, channel: Channel, *, count: int, by: int, reason: str | None) -> None:
        self.record(
            guild,
            MESSAGE_BULK_DELETE,
            by=by,
            target=channel.id,
            reason=reason,
            options={"count": str(count)},
        )


def change(key: str, old: Any, new: Any) -> Json:
    """One entry of `changes`; a value that is not there is left out, as Discord does."""
    body: Json = {"key": key}
    if old is not None:
        body["old_value"] = old
    if new is not None:
        body["new_value"] = new
    return body
