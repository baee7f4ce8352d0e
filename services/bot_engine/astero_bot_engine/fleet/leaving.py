"""Bots that have stopped here and whose last words are not yet in the database.

Status, session and lease are written together: nobody can claim a bot before its session is saved, a
database that is away loses nothing, and a holder that was replaced meanwhile says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.fleet import leases
from astero_bot_engine.fleet.saved_sessions import delete_session, save_sessions
from astero_bot_engine.fleet.statuses import Status, write_status
from astero_bot_engine.gateway.session import SavedSession


@dataclass(frozen=True, slots=True)
class Leaving:
    """`status` None leaves the word to the next holder.

    Without `saved` the stored session is forgotten, unless `keep` leaves it as it is.
    """

    fence: int
    status: Status | None = None
    saved: SavedSession | None = None
    keep: bool = False


async def settle(db: AsyncEngine, engine_id: UUID, leaving: Mapping[UUID, Leaving]) -> None:
    """Write everything and give the leases up, in one transaction."""
    if not leaving:
        return
    async with db.begin() as connection:
        held = await leases.lock(connection, engine_id, leaving.keys())
        mine = {bot_id: word for bot_id, word in leaving.items() if held.get(bot_id) == word.fence}
        for bot_id, word in mine.items():
            if word.status is not None:
                await write_status(connection, bot_id, word.status, engine_id=engine_id)
            if word.saved is None and not word.keep:
                await delete_session(connection, bot_id, fence=word.fence)
        saves = {bot_id: (word.fence, word.saved) for bot_id, word in mine.items() if word.saved}
        await save_sessions(connection, saves)
        await leases.release(connection, engine_id, mine.keys())
