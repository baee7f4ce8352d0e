"""Gateway sessions in PostgreSQL, so that the next engine resumes where this one left off.

A save of an older holder never overwrites the newer one's: the fence decides.
"""

import base64
import json
from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from astero_bot_engine.gateway.session import SavedSession

# Discord keeps a session for minutes; what is older than this is not even asked about.
_LOAD: Final = text(
    "SELECT bot_id, session_id, resume_url, sequence, intents, guilds FROM gateway_sessions"
    " WHERE bot_id = ANY(:bot_ids) AND saved_at > clock_timestamp() - interval '1 day'"
)
_SAVE: Final = text(
    "INSERT INTO gateway_sessions AS g"
    " (bot_id, fence, session_id, resume_url, sequence, intents, guilds, saved_at)"
    " VALUES (:bot_id, :fence, :session_id, :resume_url, :sequence, :intents, CAST(:guilds AS jsonb),"
    "  clock_timestamp())"
    " ON CONFLICT (bot_id) DO UPDATE SET fence = excluded.fence, session_id = excluded.session_id,"
    "  resume_url = excluded.resume_url, sequence = excluded.sequence, intents = excluded.intents,"
    "  guilds = CASE WHEN g.session_id = excluded.session_id"
    "   THEN (g.guilds - CAST(:gone AS text[])) || excluded.guilds ELSE excluded.guilds END,"
    "  saved_at = excluded.saved_at"
    " WHERE g.fence <= excluded.fence"
)
_DELETE: Final = text("DELETE FROM gateway_sessions WHERE bot_id = :bot_id AND fence <= :fence")


async def load_sessions(connection: AsyncConnection, bot_ids: Collection[UUID]) -> dict[UUID, SavedSession]:
    rows = await connection.execute(_LOAD, {"bot_ids": list(bot_ids)})
    return {
        row.bot_id: SavedSession(
            session_id=row.session_id,
            resume_url=row.resume_url,
            sequence=row.sequence,
            intents=row.intents,
            guilds={int(key): base64.b64decode(packed) for key, packed in row.guilds.items()},
        )
        for row in rows
    }


_MOVE: Final = text(
    "UPDATE gateway_sessions g SET sequence = v.sequence, fence = v.fence, saved_at = clock_timestamp()"
    " FROM unnest(CAST(:bot_ids AS uuid[]), CAST(:fences AS bigint[]), CAST(:session_ids AS text[]),"
    "  CAST(:sequences AS bigint[])) AS v (bot_id, fence, session_id, sequence)"
    " WHERE g.bot_id = v.bot_id AND g.session_id = v.session_id AND g.fence <= v.fence"
    " RETURNING g.bot_id"
)


async def save_sessions(connection: AsyncConnection, saves: Mapping[UUID, tuple[int, SavedSession]]) -> None:
    """`saves` maps bot to its lease's fence and an export of its session.

    Where no guild changed only the sequence is written: the guilds are most of the row.
    """
    moved = {
        bot_id: (fence, saved)
        for bot_id, (fence, saved) in saves.items()
        if not saved.guilds and not saved.gone
    }
    written = await _move(connection, moved) if moved else set[UUID]()
    rows = [_row(bot_id, fence, saved) for bot_id, (fence, saved) in saves.items() if bot_id not in written]
    if rows:
        await connection.execute(_SAVE, rows)


async def _move(connection: AsyncConnection, moved: Mapping[UUID, tuple[int, SavedSession]]) -> set[UUID]:
    rows = await connection.execute(
        _MOVE,
        {
            "bot_ids": list(moved),
            "fences": [fence for fence, _ in moved.values()],
            "session_ids": [saved.session_id for _, saved in moved.values()],
            "sequences": [saved.sequence for _, saved in moved.values()],
        },
    )
    return {row.bot_id for row in rows}


async def delete_session(connection: AsyncConnection, bot_id: UUID, *, fence: int) -> None:
    """The bot was stopped for good: its next start is a new session."""
    await connection.execute(_DELETE, {"bot_id": bot_id, "fence": fence})


def _row(bot_id: UUID, fence: int, saved: SavedSession) -> dict[str, Any]:
    packed = {str(key): base64.b64encode(data).decode() for key, data in saved.guilds.items()}
    return {
        "bot_id": bot_id,
        "fence": fence,
        "session_id": saved.session_id,
        "resume_url": saved.resume_url,
        "sequence": saved.sequence,
        "intents": saved.intents,
        "guilds": json.dumps(packed),
        "gone": [str(key) for key in saved.gone],
    }
