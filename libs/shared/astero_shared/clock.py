"""The one place that reads the wall clock. Times are aware and in UTC."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (this is the function the rule points to)
