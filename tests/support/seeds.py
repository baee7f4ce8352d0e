"""Rows that tests start from, written by the administrator as the product would have left them."""

from datetime import datetime

import psycopg

from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.scope import SYSTEM, GuildScope

GUILD = 1_100_000_000_000_000_001
SCOPE = GuildScope(SYSTEM, SHARED_BOT_ID, GUILD)


def set_removed_at(admin_url: str, moment: datetime, *, guild_id: int = GUILD) -> None:
    """Make a removal older than it is: its age is read from the row, so no clock needs to be moved."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE installations SET removed_at = %s WHERE guild_id = %s AND removed_at IS NOT NULL",
            [moment, guild_id],
        )
