"""Which chain an entry belongs to: its server's, else its account's, else the platform's."""

from typing import Final
from uuid import UUID

PLATFORM: Final = "platform"


def chain_of(*, bot_id: UUID | None, guild_id: int | None, account_id: UUID | None) -> str:
    """As `audit_chain` says it in the database."""
    if guild_id is not None:
        return f"guild:{bot_id}:{guild_id}"
    return PLATFORM if account_id is None else account_chain(account_id)


def account_chain(account_id: UUID) -> str:
    return f"account:{account_id}"
