"""People who sign in to the dashboard. The bot engine may read none of this."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, Text

from astero_shared.db.columns import Table, created_now, primary_key


class User(Table, table=True):
    """`email_key` is the normalised address; a larger `token_version` ends every session."""

    id: UUID = primary_key()
    email: str = Field(sa_type=Text)
    email_key: str = Field(sa_type=Text)
    password_hash: str | None = Field(default=None, sa_type=Text, repr=False)
    display_name: str | None = Field(default=None, sa_type=Text)
    locale: str = Field(default="en", sa_type=Text)
    token_version: int = 1
    status: str = Field(default="active", sa_type=Text)
    created_at: datetime = created_now()
    deleted_at: datetime | None = None
