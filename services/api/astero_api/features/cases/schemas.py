"""Cases as the dashboard sees and opens them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from astero_shared.features.cases.rules import MAX_NOTE, MAX_REASON
from astero_shared.features.cases.tables import Case
from astero_shared.ids import Snowflake

MAX_RELATED = 25

Reason = Annotated[
    str, Meta(max_length=MAX_REASON, description="Shown to the member and in Discord's audit log.")
]
Note = Annotated[str, Meta(max_length=MAX_NOTE, description="For moderators only.")]
Related = Annotated[
    tuple[Annotated[int, Meta(ge=1, le=2**31 - 1)], ...],
    Meta(max_length=MAX_RELATED, description="Numbers of other cases of this server."),
]


class OpenAction(StrEnum):
    """What the dashboard can do to a member. Deleting messages is done where they are: in Discord."""

    NOTE = "note"
    WARN = "warn"
    TIMEOUT = "timeout"
    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"


class CaseIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A timeout without `durationSeconds` lasts as long as the server's settings say; a ban has no end.

    Without `related` the newest cases about the same member are.
    """

    action: OpenAction
    target_id: Annotated[Snowflake, Meta(description="The member's Discord id.")]
    reason: Reason | None = None
    internal_note: Note | None = None
    duration_seconds: Annotated[int, Meta(ge=60, le=365 * 86_400)] | None = None
    related: Related | UnsetType = UNSET


class CasePatch(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What people wrote can be written better; what happened stays. `null` clears a text."""

    reason: Reason | UnsetType | None = UNSET
    internal_note: Note | UnsetType | None = UNSET
    related: Related | UnsetType = UNSET


class PersonOut(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is a Discord id, or a dashboard user's where `source` is `api`."""

    id: str
    name: str | None


class CaseOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`state` is `pending` until Discord was asked, then `done`, or `failed` with the code in `failure`."""

    number: int
    action: str
    source: str
    rule: str | None
    moderator: PersonOut
    target: PersonOut
    channel_id: str | None
    reason: str | None
    internal_note: str | None
    duration_seconds: int | None
    expires_at: datetime | None
    lifted_at: datetime | None
    related: tuple[int, ...]
    state: str
    failure: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, case: Case) -> "CaseOut":
        return cls(
            number=case.number,
            action=case.action,
            source=case.source,
            rule=case.rule,
            moderator=PersonOut(id=case.moderator_id, name=case.moderator_name),
            target=PersonOut(id=str(case.target_id), name=case.target_name),
            channel_id=None if case.channel_id is None else str(case.channel_id),
            reason=case.reason,
            internal_note=case.internal_note,
            duration_seconds=case.duration_seconds,
            expires_at=case.expires_at,
            lifted_at=case.lifted_at,
            related=tuple(case.related),
            state=case.state,
            failure=case.failure,
            created_at=case.created_at,
            updated_at=case.updated_at,
        )


class CasePage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Newest first."""

    items: tuple[CaseOut, ...]
    next_cursor: str | None
