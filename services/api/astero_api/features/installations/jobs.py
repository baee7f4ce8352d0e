"""What happens to removed servers by itself: their rows go when the 14 days are over."""

from typing import Final

from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.db.session import reading, transaction
from astero_shared.features.installations.store import list_expired, purge, retire_unjoined
from astero_shared.scope import SYSTEM

_BATCH: Final = 500


async def purge_expired(database: AsyncEngine) -> int:
    """Delete every row of each server whose deadline has passed; answers how many servers that were.

    One transaction a server: a purge that is interrupted has finished some of them and goes on with the rest.
    Safe to run twice at once. What stays in the audit log are counts and a fingerprint, not the server's id.
    """
    async with transaction(database) as session:
        await retire_unjoined(session, now=utc_now())
    purged = 0
    while True:
        async with reading(database) as session:
            expired = await list_expired(session, now=utc_now(), limit=_BATCH)
        for installation_id in expired:
            async with transaction(database) as session:
                purged_rows = await purge(session, installation_id)
                if purged_rows is None:
                    continue
                await write_audit(
                    session,
                    actor=SYSTEM,
                    action=AuditAction.GUILD_PURGED,
                    details={"rows": purged_rows.rows, "server": purged_rows.server},
                )
            purged += 1
        if len(expired) < _BATCH:
            break
    if purged:
        logger.info("purged removed servers", servers=purged)
    return purged
