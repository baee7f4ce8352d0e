"""What Discord says of each bot itself, written when it has logged in and before it connects.

Guarantees: an application has one line to Discord, whatever the operator's environment says. A bot whose
application is hosted as another one never connects, is told why, and asks again until the other is gone.
"""

from typing import Final
from uuid import UUID

from loguru import logger
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.gateway.admission import IdentifyDeferredError
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.rest import CallBarredError
from astero_shared.db.outages import is_away

_TAKEN: Final = "bots.application_taken"
_ONE_APPLICATION: Final = "bots_application_id_key"
_DATABASE_WAIT: Final = 5.0

# A branded bot keeps the name its owner gave it.
_INTRODUCE: Final = text(
    "UPDATE bots SET application_id = coalesce(:application_id, application_id),"
    " discord_user_id = :discord_user_id, avatar_hash = :avatar_hash, updated_at = clock_timestamp(),"
    " name = CASE WHEN kind = 'shared' THEN :name ELSE name END"
    " WHERE id = :bot_id AND (discord_user_id IS DISTINCT FROM :discord_user_id"
    "  OR avatar_hash IS DISTINCT FROM :avatar_hash"
    "  OR application_id IS DISTINCT FROM coalesce(:application_id, application_id))"
)


class Introductions:
    """One transaction a bot: what the database refuses of one concerns no other."""

    def __init__(self, db: AsyncEngine) -> None:
        self._db = db
        self._told: set[UUID] = set()

    async def introduce(self, client: BotClient) -> None:
        """Raises CallBarredError when the application is another bot's, IdentifyDeferredError when the
        database is away.
        """
        user = client.user
        if user is None:
            raise ValueError("a bot is introduced after it has logged in")
        params = {
            "bot_id": client.bot_id,
            "application_id": client.application_id,
            "discord_user_id": user.id,
            "name": user.name,
            "avatar_hash": None if user.avatar is None else user.avatar.key,
        }
        try:
            async with self._db.begin() as connection:
                await connection.execute(_INTRODUCE, params)
        except IntegrityError as error:
            if _ONE_APPLICATION not in str(error.orig):
                raise
            if client.bot_id not in self._told:
                self._told.add(client.bot_id)
                logger.warning(
                    "another bot is hosted with this application",
                    bot=str(client.bot_id),
                    application=str(client.application_id),
                )
            raise CallBarredError(_TAKEN) from error
        except SQLAlchemyError as error:
            if not is_away(error):
                raise
            raise IdentifyDeferredError(_DATABASE_WAIT) from error
        self._told.discard(client.bot_id)
