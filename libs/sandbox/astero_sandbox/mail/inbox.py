"""What was received, newest first, taken apart the way a mail program does it."""

import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final

_KEPT: Final = 1000
_LINK: Final = re.compile(r"https?://[^\s<>\"']+")


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it came over the wire, with the envelope it came in."""

    number: int
    at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    encrypted: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    def body(self, kind: str) -> str | None:
        part = self.message.get_body((kind,))
        return None if part is None else part.get_content()

    def as_json(self) -> dict[str, Any]:
        message, plain = self.message, self.body("plain")
        return {
            "id": str(self.number),
            "at": self.at.isoformat(),
            "from": self.sender,
            "to": list(self.recipients),
            "subject": str(message["subject"] or ""),
            "headers": [[name, str(value)] for name, value in message.items()],
            "text": plain,
            "html": self.body("html"),
            "links": [link.rstrip(".,;:!?)") for link in _LINK.findall(plain or "")],
            "encrypted": self.encrypted,
            "user": self.user,
        }


class Inbox:
    """All mailboxes of the world; the oldest of a thousand messages makes room."""

    def __init__(self) -> None:
        self._received: deque[Received] = deque(maxlen=_KEPT)
        self._last = 0

    def add(
        self, *, sender: str, recipients: tuple[str, ...], raw: bytes, encrypted: bool, user: str | None
    ) -> None:
        self._last += 1
        self._received.appendleft(
            Received(
                self._last, datetime.fromtimestamp(time.time(), UTC), sender, recipients, raw, encrypted, user
            )
        )

    def newest(self, to: str | None = None) -> Iterator[Received]:
        return (one for one in self._received if to is None or to in one.recipients)

    def find(self, number: str) -> Received | None:
        return next((one for one in self._received if str(one.number) == number), None)

    def clear(self) -> None:
        self._received.clear()
