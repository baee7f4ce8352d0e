"""What began and was never finished goes: logins without a second factor, unproved seeds, old challenges."""

from datetime import timedelta
from typing import Final

from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_shared.clock import utc_now
from astero_shared.db.session import transaction
from astero_shared.features.mfa.store import delete_unfinished
from astero_shared.features.passkeys.store import delete_expired_challenges

_KEPT: Final = timedelta(days=1)  # longer than any of them counts; what was refused is in the audit log


async def forget_unfinished(database: AsyncEngine) -> int:
    """Answers how many rows went. Safe to run twice at once."""
    now = utc_now()
    async with transaction(database) as session:
        forgotten = await delete_unfinished(session, before=now - _KEPT)
        forgotten += await delete_expired_challenges(session, now=now)
    if forgotten:
        logger.info("forgot what was not finished", rows=forgotten)
    return forgotten
