"""The Discord account a dashboard user has connected, and the OAuth tokens to ask Discord in their name."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, Text

from astero_shared.db.columns import Table, blob_column, created_now, snowflake


class DiscordAccount(Table, table=True):
    """People are recognised by `discord_user_id`, never by their address."""

    user_id: UUID = Field(primary_key=True, foreign_key="users.id")
    discord_user_id: int = snowflake()
    username: str = Field(sa_type=Text)
    access_ciphertext: bytes = blob_column()
    refresh_ciphertext: bytes = blob_column()
    access_expires_at: datetime
    connected_at: datetime = created_now()
