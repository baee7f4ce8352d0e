"""What happens to sign-ins by themselves: they and their tokens go when they have been over for 30 days."""

from datetime import timedelta
from typing import Final

from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_shared.clock import utc_now
from astero_shared.db.session import in_batches
from astero_shared.features.sessions.store import delete_ended

_KEPT: Final = timedelta(days=30)  # long enough to look into a theft that was noticed late
_BATCH: Final = 1000


async def forget_ended(database: AsyncEngine) -> int:
    """Delete what ended 30 days ago or before; answers how many rows that were. Safe to run twice at once."""
    before = utc_now() - _KEPT
    forgotten = await in_batches(database, lambda session: delete_ended(session, before=before, limit=_BATCH))
    if forgotten:
        logger.info("forgot ended sessions", rows=forgotten)
    return forgotten
