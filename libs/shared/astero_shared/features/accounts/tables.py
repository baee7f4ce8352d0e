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
    email_verified_at: datetime | None = None
    deleted_at: datetime | None = None


class AccountToken(Table, table=True):
    """The secret of one link in a letter, as SHA-256 of 256 random bits; it opens something once.

    `email` is the address that it proves: of `verify` the one it was sent to, of `address` the new one. Rows
    of `notice` open nothing; like the others they count how many letters an account was sent.
    """

    id: UUID = primary_key()
    user_id: UUID = Field(foreign_key="users.id")
    purpose: str = Field(sa_type=Text)
    token_hash: bytes = Field(repr=False)
    email: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = created_now()
    expires_at: datetime
    used_at: datetime | None = None
