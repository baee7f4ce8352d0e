"""The audit log: entries are added in the transaction of the change and never altered.

What an entry says of a person beyond ids is `personal`, which can be forgotten without breaking the chain.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, LargeBinary, Text

from astero_shared.db.columns import Table, created_now, json_column, optional_snowflake, primary_key


class AuditEntry(Table, table=True):
    """`action` is `source:subject:verb`; `target` names what was acted on; `details` is redacted.

    `account_id` is the dashboard user who acted or whom it concerns. The database sets `chain`, `seq`, the
    hashes and the salt: see audit.canonical.
    """

    id: UUID = primary_key()
    at: datetime = created_now()
    chain: str = Field(sa_type=Text)
    seq: int = Field(sa_type=BigInteger)
    prev_hash: bytes = Field(sa_type=LargeBinary)
    hash: bytes = Field(sa_type=LargeBinary)
    actor_kind: str = Field(sa_type=Text)
    actor_id: str = Field(sa_type=Text)
    account_id: UUID | None = None
    bot_id: UUID | None = None
    guild_id: int | None = optional_snowflake()
    action: str = Field(sa_type=Text)
    target: str | None = Field(default=None, sa_type=Text)
    details: dict[str, Any] = json_column()
    personal: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))  # pyright: ignore[reportCallIssue, reportArgumentType] - SQLModel passes an instance on
    personal_salt: bytes | None = Field(default=None, sa_type=LargeBinary, repr=False)
    personal_hash: bytes | None = Field(default=None, sa_type=LargeBinary)


class AuditHead(Table, table=True):
    """The newest entry of a chain that was told to the outside."""

    chain: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)
    bot_id: UUID | None = None
    guild_id: int | None = optional_snowflake()
    told_at: datetime = created_now()
