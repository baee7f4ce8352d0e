"""Discord ids: unique, ordered by time, and decodable by any client (epoch 2015-01-01)."""

import time
from datetime import UTC, datetime

EPOCH_MS = 1_420_070_400_000
_SEQUENCE_BITS = 22


class SnowflakeClock:
    """Makes ids that never repeat, also after a restart that continues with saved ones."""

    def __init__(self) -> None:
        self._last = 0

    def next_id(self) -> int:
        fresh = (int(time.time() * 1000) - EPOCH_MS) << _SEQUENCE_BITS
        self._last = max(fresh, self._last + 1)
        return self._last

    def continue_after(self, used: int) -> None:
        """Refuse to hand out anything at or below an id that a saved state already holds."""
        self._last = max(self._last, used)


def timestamp_of(snowflake: int) -> float:
    """Seconds since 1970 at which the id was made."""
    return ((snowflake >> _SEQUENCE_BITS) + EPOCH_MS) / 1000


def iso(at: float) -> str:
    """Discord's spelling of a time: always microseconds and an explicit offset."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
