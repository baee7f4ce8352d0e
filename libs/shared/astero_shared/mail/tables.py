"""Mail that waits to be handed over. The bot engine may read none of this."""

from datetime import datetime
from uuid import UUID

from sqlmodel import BigInteger, Field

from astero_shared.db.columns import Table, blob_column, created_now, primary_key


class Mail(Table, table=True):
    """`letter` is sealed: it names a person and may hold a one-time token. The row goes when it was sent.

    `handed_over_at` is set while the server gets the text, so that no two workers give it; `hand_overs`
    counts how often its answer to that was not a refusal.
    """

    id: UUID = primary_key()
    letter: bytes = blob_column()
    queued_at: datetime = created_now()
    handed_over_at: datetime | None = None
    hand_overs: int = Field(default=0, sa_type=BigInteger)
