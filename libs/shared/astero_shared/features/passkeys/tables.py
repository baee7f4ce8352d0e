"""Passkeys and the challenges of ceremonies under way. A public key is no secret; a challenge works once."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlmodel import BigInteger, Field, Text

from astero_shared.db.columns import Table, created_now, primary_key, text_list

Purpose = Literal["register", "sign_in", "second_step", "reauthenticate"]


class Passkey(Table, table=True):
    """`user_handle` is 64 random bytes that say nothing of the user; `sign_count` may only rise."""

    id: UUID = primary_key()
    user_id: UUID = Field(foreign_key="users.id")
    credential_id: bytes = Field(repr=False)
    public_key: bytes = Field(repr=False)
    user_handle: bytes = Field(repr=False)
    sign_count: int = Field(sa_type=BigInteger)
    transports: list[str] = text_list()
    backed_up: bool
    name: str = Field(sa_type=Text)
    created_at: datetime = created_now()
    last_used_at: datetime | None = None


class PasskeyChallenge(Table, table=True):
    """Bound to what it is for, and to the session or the pending login (`bound_to`) that asked for it."""

    challenge_hash: bytes = Field(primary_key=True)
    purpose: str = Field(sa_type=Text)
    bound_to: UUID | None = None
    user_handle: bytes | None = None
    created_at: datetime = created_now()
    expires_at: datetime
