"""The last REST calls and gateway frames in order, with every token masked when they are read."""

import re
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import orjson

CAPACITY: Final = 20_000
MASK: Final = "***"
_SECRET_KEYS = frozenset({"token", "client_secret", "refresh_token", "access_token", "code", "code_verifier"})
_TOKEN_SHAPE = re.compile(r"[\w-]{18,40}\.[\w-]{6}\.[\w-]{27,}")
_SUSPECT = re.compile(rb'"(?:%b)":|[\w-]{18}\.[\w-]{6}\.' % "|".join(_SECRET_KEYS).encode())


@dataclass(slots=True, frozen=True)
class Entry:
    """`direction` is "in" (towards Discord) or "out"; `body` stays bytes until somebody asks."""

    n: int
    at: float
    kind: str
    direction: str
    application_id: int | None
    method: str | None = None
    path: str | None = None
    status: int | None = None
    op: int | None = None
    event: str | None = None
    body: bytes = b""


class TrafficLog:
    """A ring: what fell out is gone, `n` says how much that was."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=CAPACITY)
        self._next = 1

    def rest(self, *, application_id: int | None, method: str, path: str, status: int, body: bytes) -> None:
        self._add(
            Entry(
                n=self._next,
                at=time.time(),
                kind="rest",
                direction="in",
                application_id=application_id,
                method=method,
                path=path,
                status=status,
                body=body,
            )
        )

    def gateway(
        self,
        direction: str,
        *,
        application_id: int | None,
        op: int | None,
        event: str | None = None,
        status: int | None = None,
        body: bytes = b"",
    ) -> None:
        """`status` is the close code of a frame that ends the connection."""
        self._add(
            Entry(
                n=self._next,
                at=time.time(),
                kind="gateway",
                direction=direction,
                application_id=application_id,
                op=op,
                event=event,
                status=status,
                body=body,
            )
        )

    def _add(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._next += 1

    def since(self, n: int, *, limit: int = CAPACITY) -> tuple[list[dict[str, Any]], int]:
        """Entries numbered `n` and up (oldest first, at most `limit`) and where to go on reading."""
        if not self._entries:
            return [], self._next
        skip = max(0, n - self._entries[0].n)
        found = [self._entries[i] for i in range(skip, min(skip + limit, len(self._entries)))]
        return [_shown(entry) for entry in found], (found[-1].n + 1 if found else self._next)


def _shown(entry: Entry) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "n": entry.n,
        "at": entry.at,
        "kind": entry.kind,
        "direction": entry.direction,
        "applicationId": None if entry.application_id is None else str(entry.application_id),
    }
    for name in ("method", "path", "status", "op", "event"):
        if (value := getattr(entry, name)) is not None:
            shown[name] = value
    if entry.body:
        ours = entry.kind == "gateway" and entry.direction == "out"
        # What we encoded ourselves and holds nothing to mask goes out as it is: a flood is most of a log.
        is_plain = ours and not _SUSPECT.search(entry.body)
        shown["body"] = orjson.Fragment(entry.body) if is_plain else masked(_decoded(entry.body))
    return shown


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body[:2000].decode(errors="replace")


def masked(value: Any) -> Any:
    """Stars for values under a telling key and for anything shaped like a bot token."""
    if isinstance(value, dict):
        return {
            key: MASK if key in _SECRET_KEYS and isinstance(item, str) else masked(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [masked(item) for item in value]
    return _TOKEN_SHAPE.sub(MASK, value) if isinstance(value, str) else value
