"""Opening and editing cases, through whichever door: the row and its audit row, or neither.

A case is the intent, written as `pending`; the engine that holds the bot carries it out.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from msgspec import UNSET, UnsetType
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.errors import InvalidError
from astero_shared.features.cases.config import CasesConfig
from astero_shared.features.cases.rules import (
    CaseAction,
    check_duration,
    check_note,
    check_reason,
    needs_reason,
)
from astero_shared.features.cases.store import (
    CaseDraft,
    Fence,
    get_case,
    insert_case,
    list_known_numbers,
    list_related,
    update_case,
)
from astero_shared.features.cases.tables import Case
from astero_shared.features.webhooks.events import CaseEdited, CaseOpened
from astero_shared.features.webhooks.outbox import emit_event
from astero_shared.scope import GuildScope


def fit_draft(draft: CaseDraft, *, config: CasesConfig) -> CaseDraft:
    """What a person asks for, as the server's settings and Discord's limits let it be; else InvalidError.

    A timeout without a duration takes the server's usual one.
    """
    action = CaseAction(draft.action)
    seconds = draft.duration_seconds
    if seconds is None and action is CaseAction.TIMEOUT:
        seconds = config.default_timeout_minutes * 60
    duration = check_duration(action, None if seconds is None else timedelta(seconds=seconds))
    return replace(
        draft,
        reason=check_reason(draft.reason, required=needs_reason(action, config)),
        internal_note=check_note(draft.internal_note),
        duration_seconds=None if duration is None else int(duration.total_seconds()),
    )


async def open_case(
    *, session: AsyncSession, scope: GuildScope, draft: CaseDraft, fence: Fence | None = None
) -> Case | None:
    """None when the draft's cause opened its case before. An engine proves by its `fence` that it may act.

    A draft that names no related cases gets the newest about the same member. Raises NotFoundError where the
    bot is not in the server, InvalidError for related cases that are not there, LeaseLostError.
    """
    if draft.related is None:
        related = tuple(await list_related(session, scope, target_id=draft.target_id))
    else:
        related = await _known(session, scope, draft.related)
    case = await insert_case(
        session, scope, draft=replace(draft, related=related), now=utc_now(), fence=fence
    )
    if case is None:
        return None
    details = {"action": case.action, "targetId": str(case.target_id), "source": case.source}
    await _audit(session, scope, AuditAction.CASE_OPENED, case, details)
    await emit_event(session, scope, opened_event(case))
    return case


async def edit_case(
    *,
    session: AsyncSession,
    scope: GuildScope,
    number: int,
    config: CasesConfig,
    reason: str | UnsetType | None = UNSET,
    internal_note: str | UnsetType | None = UNSET,
    related: tuple[int, ...] | UnsetType = UNSET,
) -> Case:
    """Change what people wrote; what is not given stays. Raises NotFoundError or InvalidError."""
    case = await get_case(session, scope, number, lock=True)
    changes: dict[str, Any] = {}
    if reason is not UNSET:
        required = needs_reason(CaseAction(case.action), config)
        changes["reason"] = check_reason(reason, required=required)
    if internal_note is not UNSET:
        changes["internal_note"] = check_note(internal_note)
    if related is not UNSET:
        changes["related"] = list(await _known(session, scope, related, besides=number))
    changes = {name: value for name, value in changes.items() if getattr(case, name) != value}
    if changes:
        await update_case(session, case, changes=changes, now=utc_now())
        await _audit(session, scope, AuditAction.CASE_EDITED, case, {"changed": sorted(changes)})
        await emit_event(session, scope, CaseEdited(number=case.number, changed=tuple(sorted(changes))))
    return case


def opened_event(case: Case) -> CaseOpened:
    """What a case's opening tells outside: who did what to whom, and nothing that anybody wrote."""
    return CaseOpened(
        number=case.number,
        action=case.action,
        source=case.source,
        rule=case.rule,
        target_id=str(case.target_id),
        moderator_id=case.moderator_id,
        duration_seconds=case.duration_seconds,
        expires_at=case.expires_at,
    )


async def _known(
    session: AsyncSession, scope: GuildScope, numbers: tuple[int, ...], *, besides: int | None = None
) -> tuple[int, ...]:
    wanted = tuple(sorted(set(numbers)))
    known = await list_known_numbers(session, scope, wanted)
    missing = [number for number in wanted if number not in known or number == besides]
    if missing:
        raise InvalidError(
            code="cases.related_unknown",
            params={"numbers": ", ".join(f"#{number}" for number in missing)},
            pointer="/related",
        )
    return wanted


async def _audit(
    session: AsyncSession, scope: GuildScope, action: AuditAction, case: Case, details: Mapping[str, Any]
) -> None:
    await write_audit(
        session,
        actor=scope.actor,
        action=action,
        bot_id=scope.bot_id,
        guild_id=scope.guild_id,
        target=str(case.number),
        details=dict(details),
    )
