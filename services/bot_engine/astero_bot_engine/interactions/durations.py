"""Durations as people write and read them: `90m`, `2h30m`, `7d`; "2 hours 30 minutes"."""

import re
from datetime import datetime, timedelta
from typing import Final

from astero_shared.i18n import Locale, text

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "j": 86400, "w": 604800}
_PART: Final = re.compile(r"(\d{1,6})\s*([smhdjw])", re.ASCII)
_WHOLE: Final = re.compile(r"(?:\d{1,6}\s*[smhdjw]\s*){1,5}", re.ASCII)
_READ: Final = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


def parse_duration(written: str) -> timedelta | None:
    """None when it is no duration, or zero. `j` is the French day; a number alone means minutes."""
    cleaned = written.strip().lower()
    if cleaned.isascii() and cleaned.isdigit():
        cleaned += "m"
    if not _WHOLE.fullmatch(cleaned):
        return None
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(cleaned))
    return timedelta(seconds=seconds) if seconds else None


def say_duration(seconds: int, locale: Locale) -> str:
    """The two largest units that are not zero."""
    parts: list[str] = []
    for unit, size in _READ:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(text(f"durations.{unit}", locale, count=count))
    return " ".join(parts[:2])


def timestamp(at: datetime) -> str:
    """Discord shows it in each reader's own time zone and language."""
    return f"<t:{int(at.timestamp())}:f>"
