"""A bot in a Discord server. Every row of a server hangs on its installation and goes with it."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, Text

from astero_shared.db.columns import Table, created_now, optional_snowflake, primary_key, snowflake


class Installation(Table, table=True):
    """At most one with `removed_at` null per bot and guild: a bot added again starts a new, blank one.

    `present` says whether the bot is a member now: a restored server may still wait for its bot.
    """

    id: UUID = primary_key()
    bot_id: UUID = Field(foreign_key="bots.id")
    guild_id: int = snowflake()
    guild_name: str = Field(sa_type=Text)
    guild_icon: str | None = Field(default=None, sa_type=Text)
    guild_owner_id: int | None = optional_snowflake()
    guild_locale: str | None = Field(default=None, sa_type=Text)
    member_count: int | None = None
    present: bool = True
    joined_at: datetime = created_now()
    removed_at: datetime | None = None
    removed_by: str | None = Field(default=None, sa_type=Text)
    restored_at: datetime | None = None


class PurgedGuild(Table, table=True):
    """SHA-256 of `bot id:guild id` of a server whose rows are gone: its restore is over, not unknown."""

    fingerprint: bytes = Field(primary_key=True)
    purged_at: datetime
