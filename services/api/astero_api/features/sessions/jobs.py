"""What happens to sign-ins by themselves: they and their tokens go when they have been over for 30 days."""

from datetime import timedelta
from typing import Final

from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_shared.clock import utc_now
from astero_shared.db.session import transaction
from astero_shared.features.sessions.store import delete_ended

_KEPT: Final = timedelta(days=30)  # long enough to look into a theft that was noticed late
_BATCH: Final = 1000


async def forget_ended(database: AsyncEngine) -> int:
    """Delete what ended 30 days ago or before; answers how many rows that were.

    A short transaction a batch, so that nobody who signs in waits. Safe to run twice at once.
    """
    before = utc_now() - _KEPT
    forgotten = 0
    while True:
        async with transaction(database) as session:
            deleted = await delete_ended(session, before=before, limit=_BATCH)
        forgotten += deleted
        if not deleted:
            break
    if forgotten:
        logger.info("forgot ended sessions", rows=forgotten)
    return forgotten
