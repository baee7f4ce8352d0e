"""What a webhook can tell: one struct for each kind of event, the same whichever service saw it happen.

None holds what people wrote (messages, reasons, notes) or a secret: who needs more asks the api.
"""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

import msgspec


class EventKind(StrEnum):
    """What an endpoint may ask for."""

    CASE_OPENED = "case.opened"
    CASE_EDITED = "case.edited"
    SETTINGS_CHANGED = "settings.changed"
    SERVER_REMOVED = "server.removed"
    SERVER_RESTORED = "server.restored"


TEST_KIND = "webhook.test"
"""Sent by the test button, to an endpoint that asked for whatever."""


class EventData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what one kind tells; Discord ids are strings."""

    kind: ClassVar[EventKind]


class CaseOpened(EventData, frozen=True, kw_only=True):
    """`source` is automod, command or api; `rule` names the rule of automod."""

    kind = EventKind.CASE_OPENED

    number: int
    action: str
    source: str
    rule: str | None
    target_id: str
    moderator_id: str
    duration_seconds: int | None
    expires_at: datetime | None


class CaseEdited(EventData, frozen=True, kw_only=True):
    """`changed` names the fields: reason, internal_note, related."""

    kind = EventKind.CASE_EDITED

    number: int
    changed: tuple[str, ...]


class SettingsChanged(EventData, frozen=True, kw_only=True):
    """`changed` names the parts of the module's settings; `restored` is the revision brought back."""

    kind = EventKind.SETTINGS_CHANGED

    module: str
    revision: int
    changed: tuple[str, ...]
    restored: int | None = None


class ServerRemoved(EventData, frozen=True, kw_only=True):
    """The bot left, or was sent away; everything can come back until `restorableUntil`."""

    kind = EventKind.SERVER_REMOVED

    restorable_until: datetime


class ServerRestored(EventData, frozen=True, kw_only=True):
    kind = EventKind.SERVER_RESTORED
