"""What a second step needs: the seed of the code app, the recovery codes, and sign-ins half done."""

from datetime import datetime
from uuid import UUID

from sqlmodel import BigInteger, Field

from astero_shared.db.columns import Table, blob_column, created_now, primary_key, text_list


class TotpSeed(Table, table=True):
    """Two-step verification is on while `confirmed_at` is set; no code up to `last_step` works again."""

    user_id: UUID = Field(primary_key=True, foreign_key="users.id")
    ciphertext: bytes = blob_column()
    created_at: datetime = created_now()
    confirmed_at: datetime | None = None
    last_step: int = Field(default=0, sa_type=BigInteger)


class RecoveryCode(Table, table=True):
    """`code_hash` is a keyed hash of a 120-bit random code and its user."""

    code_hash: bytes = Field(primary_key=True, repr=False)
    user_id: UUID = Field(foreign_key="users.id")
    created_at: datetime = created_now()
    used_at: datetime | None = None


class PendingLogin(Table, table=True):
    """A first factor was right (`amr` says which) while `token_version` held; the second has five tries."""

    id: UUID = primary_key()
    user_id: UUID = Field(foreign_key="users.id")
    token_version: int
    amr: list[str] = text_list()
    attempts: int = 0
    created_at: datetime = created_now()
    expires_at: datetime
    ended_at: datetime | None = None
