"""Every five minutes: the newest entry of each audit chain that grew, said in the log, signed."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_shared.audit.heads import Head, head_fields
from astero_shared.audit.store import find_last_telling, list_untold_heads, upsert_heads
from astero_shared.clock import utc_now
from astero_shared.crypto.keyring import Keyring
from astero_shared.db.session import transaction

# Longer than a transaction may take and than two machines' clocks differ: ids are made before the commit.
_OVERLAP: Final = timedelta(minutes=15)
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def tell_heads(database: AsyncEngine, keyring: Keyring) -> int:
    """Answers how many were told. What is told twice does no harm; what was not, is told the next time."""
    now = utc_now()
    async with transaction(database) as session:
        last = await find_last_telling(session)
        since = _first_id(_START if last is None else last - _OVERLAP)
        heads = await list_untold_heads(session, since=since, now=now)
        for head in heads:
            told = Head(head.chain, head.seq, head.hash, head.told_at)
            logger.info("audit.head", **head_fields(told, keyring))
        if heads:
            await upsert_heads(session, heads)
    return len(heads)


def _first_id(moment: datetime) -> UUID:
    """No UUIDv7 made at `moment` or later is smaller (RFC 9562, 5.7)."""
    milliseconds = (moment - _START) // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80)
