"""Sign-ins and their single-use refresh tokens; only a token's hash is stored."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, Text

from astero_shared.db.columns import Table, created_now, primary_key, text_list


class Session(Table, table=True):
    """One sign-in, which is also the family of its refresh tokens.

    `authenticated_at` is when its user last proved who they are, `amr` how they have done so since it began.
    """

    id: UUID = primary_key()
    user_id: UUID = Field(foreign_key="users.id")
    created_at: datetime = created_now()
    last_seen_at: datetime = created_now()
    expires_at: datetime
    revoked_at: datetime | None = None
    authenticated_at: datetime = created_now()
    amr: list[str] = text_list()
    user_agent: str | None = Field(default=None, sa_type=Text)
    ip: str | None = Field(default=None, sa_type=Text)


class RefreshToken(Table, table=True):
    """`token_hash` is SHA-256 of a 256-bit random token. Used rows are kept: a replay shows a theft."""

    token_hash: bytes = Field(primary_key=True, repr=False)
    session_id: UUID = Field(foreign_key="sessions.id", ondelete="CASCADE")
    created_at: datetime = created_now()
    expires_at: datetime
    used_at: datetime | None = None
    replaced_by: bytes | None = Field(default=None, repr=False)
