"""One function writes the audit log, on the session of the change it tells of.

Entries are sent as the last statements before the commit: a chain is locked from then until the commit, so
that nobody waits for a row while others wait for the chain.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.audit.actions import AuditAction
from astero_shared.audit.canonical import JsonValue, canonical_json
from astero_shared.audit.chains import chain_of
from astero_shared.audit.tables import AuditEntry
from astero_shared.clock import utc_now
from astero_shared.db.session import before_commit
from astero_shared.ids import new_id
from astero_shared.scope import Actor

_WAITING: Final = "audit_entries"


async def write_audit(
    session: AsyncSession,
    *,
    actor: Actor,
    action: AuditAction,
    account_id: UUID | None = None,
    bot_id: UUID | None = None,
    guild_id: int | None = None,
    target: str | None = None,
    details: Mapping[str, JsonValue] | None = None,
    personal: Mapping[str, JsonValue] | None = None,
) -> None:
    """Add one entry in the caller's transaction.

    `account_id` is whom it concerns where that is not the dashboard user who acts. `details` hold ids, words
    of ours and numbers, no secret and no text of a message; what else tells of a person (a name, an address)
    is `personal`. Raises TypeError for a float or a date, RuntimeError outside `transaction`.
    """
    if account_id is None and actor.kind == "user":
        account_id = UUID(actor.id)
    said = dict(personal or {}) | ({} if actor.name is None else {"name": actor.name})
    entry: dict[str, Any] = {
        "id": new_id(),
        "at": utc_now(),
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "account_id": account_id,
        "bot_id": bot_id,
        "guild_id": guild_id,
        "action": action.value,
        "target": target,
        "details": dict(details or {}),
        "personal": said or None,
    }
    canonical_json(entry["details"])
    canonical_json(said)
    waiting: list[dict[str, Any]] | None = session.info.get(_WAITING)
    if waiting is not None:
        waiting.append(entry)
        return
    session.info[_WAITING] = [entry]
    before_commit(session, _send)


async def _send(session: AsyncSession) -> None:
    # Whoever writes to several chains takes them in the same order.
    entries = sorted(session.info.pop(_WAITING), key=_chain)
    await session.exec(insert(AuditEntry), params=entries)


def _chain(entry: dict[str, Any]) -> str:
    return chain_of(bot_id=entry["bot_id"], guild_id=entry["guild_id"], account_id=entry["account_id"])
