"""A bot's session: numbers its events and keeps the recent ones, so that a reconnect misses nothing."""

import secrets
import time
from collections import deque
from typing import Final

import orjson

from astero_sandbox.discord.models import Json
from astero_sandbox.discord.traffic import TrafficLog

from .connection import Connection
from .protocol import Op, dispatch_frame

REPLAY_EVENTS: Final = 2048
REPLAY_SECONDS: Final = 300.0


class Session:
    """Lives on for `REPLAY_SECONDS` without a connection, unless the client said goodbye (1000, 1001)."""

    def __init__(self, *, application_id: int, intents: int, log: TrafficLog) -> None:
        self.id = secrets.token_hex(16)
        self.application_id = application_id
        self.intents = intents
        self.seq = 0
        self.connection: Connection | None = None
        self.detached_at: float | None = None
        self._log = log
        self._recent: deque[tuple[int, str, bytes]] = deque(maxlen=REPLAY_EVENTS)

    def dispatch(self, name: str, data: bytes) -> None:
        self.seq += 1
        self._recent.append((self.seq, name, data))
        if self.connection is not None:
            self._log.gateway(
                "out", application_id=self.application_id, op=Op.DISPATCH, event=name, body=data
            )
            self.connection.send(dispatch_frame(name, self.seq, data))

    def dispatch_data(self, name: str, data: Json) -> None:
        """For an event that looks different to every receiver."""
        self.dispatch(name, orjson.dumps(data))

    def attach(self, connection: Connection) -> None:
        self.connection = connection
        self.detached_at = None

    def detach(self) -> None:
        self.connection = None
        self.detached_at = time.monotonic()

    def has_expired(self) -> bool:
        return self.detached_at is not None and time.monotonic() - self.detached_at > REPLAY_SECONDS

    def can_replay_after(self, seq: int) -> bool:
        """Whether every event after `seq` is still here."""
        return seq == self.seq or (bool(self._recent) and self._recent[0][0] <= seq + 1)

    def replay_after(self, seq: int) -> int:
        """Send again what came after `seq`, with the numbers it had; returns how many events."""
        missed = [item for item in self._recent if item[0] > seq]
        for number, name, data in missed:
            self._log.gateway(
                "out", application_id=self.application_id, op=Op.DISPATCH, event=name, body=data
            )
            if self.connection is not None:
                self.connection.send(dispatch_frame(name, number, data))
        return len(missed)
