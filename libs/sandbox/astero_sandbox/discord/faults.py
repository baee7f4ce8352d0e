"""The ways this Discord can be told to misbehave, and what is misbehaving now."""

import re
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Fault:
    """Lasts `count` uses, until `until` (monotonic), or until cleared; `application_id` None is all."""

    id: int
    kind: str
    application_id: int | None = None
    count: int | None = None
    until: float | None = None
    details: dict[str, Any] = field(default_factory=dict)
    pattern: re.Pattern[str] | None = None

    def shown(self) -> dict[str, Any]:
        left = None if self.until is None else max(0.0, self.until - time.monotonic())
        return {
            "id": self.id,
            "kind": self.kind,
            "applicationId": None if self.application_id is None else str(self.application_id),
            "count": self.count,
            "secondsLeft": left,
            **self.details,
        }


class Faults:
    """Lasting faults only; one-off ones (cutting a socket) are done at once and not kept."""

    def __init__(self) -> None:
        self._active: list[Fault] = []
        self._last_id = 0

    def add(self, kind: str, **fields: Any) -> Fault:
        self._last_id += 1
        fault = Fault(id=self._last_id, kind=kind, **fields)
        self._active.append(fault)
        return fault

    def clear(self, kind: str | None = None) -> int:
        before = len(self._active)
        self._active = [item for item in self._active if kind is not None and item.kind != kind]
        return before - len(self._active)

    def active(self) -> list[Fault]:
        now = time.monotonic()
        self._active = [
            item
            for item in self._active
            if (item.until is None or item.until > now) and (item.count is None or item.count > 0)
        ]
        return self._active

    def find(self, kind: str, application_id: int | None) -> Fault | None:
        if not self._active:
            return None
        for fault in self.active():
            if fault.kind == kind and fault.application_id in (None, application_id):
                return fault
        return None

    def take_rest(self, *, application_id: int | None, method: str, path: str) -> Fault | None:
        """The first REST fault that matches this call, used up by one."""
        if not self._active:
            return None
        for fault in self.active():
            if fault.kind != "rest" or fault.application_id not in (None, application_id):
                continue
            wanted = fault.details.get("method")
            if wanted not in (None, method):
                continue
            if fault.pattern is not None and not fault.pattern.search(path):
                continue
            if fault.count is not None:
                fault.count -= 1
            return fault
        return None
