"""How long a removed server can be restored, and when its rows go."""

from datetime import datetime, timedelta

RESTORE_WINDOW = timedelta(days=14)
"""The security page's promise; decided by `removed_at` when read, whether or not the purge has run."""


def purge_at(removed_at: datetime) -> datetime:
    return removed_at + RESTORE_WINDOW


def may_restore(removed_at: datetime, now: datetime) -> bool:
    """Up to the deadline and not at it: `removed_at` + 14 days is already too late."""
    return now < purge_at(removed_at)
