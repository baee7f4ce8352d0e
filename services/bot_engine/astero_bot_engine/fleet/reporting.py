"""What this engine tells the database of its bots: states when they change, sessions every few seconds."""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.fleet.hosting import HostedBot
from astero_bot_engine.fleet.roster import Roster
from astero_bot_engine.fleet.saved_sessions import save_sessions
from astero_bot_engine.fleet.statuses import Status, write_status
from astero_bot_engine.gateway.session import SavedSession

# Sessions in one statement batch: a transaction stays short whatever the number of bots.
_BATCH: Final = 100


class Reporter:
    """Writes only what differs from what it wrote last."""

    def __init__(self, db: AsyncEngine, engine_id: UUID, roster: Roster) -> None:
        self._db = db
        self._engine_id = engine_id
        self._roster = roster
        self._written: dict[UUID, tuple[HostedBot, Status]] = {}
        self._unsaved: set[UUID] = set()

    async def tell(self) -> None:
        """Write the statuses that changed. Raises SQLAlchemyError, after which all are told again."""
        known = {bot_id: told for bot_id, told in self._written.items() if bot_id in self._roster.hosted}
        self._written = known
        news: dict[UUID, tuple[HostedBot, Status]] = {}
        for bot_id, hosted in self._roster.hosted.items():
            told = (hosted, hosted.status())
            if known.get(bot_id) != told and hosted.final is None:
                news[bot_id] = told
        if not news:
            return
        async with self._db.begin() as connection:
            for bot_id, (_, status) in news.items():
                await write_status(connection, bot_id, status, engine_id=self._engine_id)
        self._written |= news

    async def save(self) -> None:
        """Save the sessions that moved on. What could not be saved is saved whole the next time."""
        saves: dict[UUID, tuple[int, SavedSession]] = {}
        for bot_id, hosted in self._roster.hosted.items():
            if hosted.client.session_dirty or bot_id in self._unsaved:
                saved = hosted.client.export_session(everything=bot_id in self._unsaved)
                if saved is not None:
                    saves[bot_id] = (hosted.lease.fence, saved)
        self._unsaved = set(saves)
        pending = list(saves.items())
        while pending:
            batch, pending = dict(pending[:_BATCH]), pending[_BATCH:]
            async with self._db.begin() as connection:
                await save_sessions(connection, batch)
            self._unsaved -= batch.keys()
