"""Opening and editing cases from the dashboard.

A case is the intent, written here as `pending`; the engine that holds the bot carries it out.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import UNSET

from astero_api.features.cases.schemas import CaseIn, CasePatch
from astero_api.features.discord_accounts.managed_servers import ManagedServers
from astero_api.nudges import Nudges
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.errors import ForbiddenError, InvalidError
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.features.cases.config import CasesConfig
from astero_shared.features.cases.rules import (
    REQUIRED_PERMISSION,
    CaseAction,
    check_duration,
    check_note,
    check_reason,
    expires_at,
)
from astero_shared.features.cases.store import (
    CaseDraft,
    get_case,
    list_known_numbers,
    open_case,
    update_case,
)
from astero_shared.features.cases.tables import Case
from astero_shared.features.discord_accounts.store import find_discord_account
from astero_shared.features.modules.patches import decode_config
from astero_shared.features.modules.store import get_config
from astero_shared.i18n import Locale
from astero_shared.scope import GuildScope


async def open_pending_case(
    *,
    unit: UnitOfWork,
    nudges: Nudges,
    managers: ManagedServers | None,
    scope: GuildScope,
    command: CaseIn,
    locale: Locale,
) -> Case:
    """Raises InvalidError for what the server's settings or Discord's limits refuse, ForbiddenError for what
    Discord would not let the asker do, NotFoundError.
    """
    action = CaseAction(command.action)
    if managers is not None and scope.bot_id == SHARED_BOT_ID:
        await _check_permission(managers, scope, action)
    config = await _config(unit, scope)
    given = command.duration_seconds
    if given is None and action is CaseAction.TIMEOUT:
        given = config.default_timeout_minutes * 60
    duration = check_duration(action, None if given is None else timedelta(seconds=given), locale)
    related = await _known(unit, scope, command.related)
    now = utc_now()
    case = await open_case(
        unit.session,
        scope,
        draft=CaseDraft(
            action=action,
            source="api",
            target_id=int(command.target_id),
            moderator_id=await _moderator_id(unit, scope),
            moderator_name=scope.actor.name,
            reason=check_reason(command.reason, required=config.require_reason, locale=locale),
            internal_note=check_note(command.internal_note, locale),
            duration_seconds=None if duration is None else int(duration.total_seconds()),
            expires_at=expires_at(duration, now),
            related=related,
        ),
        now=now,
    )
    if case is None:
        raise RuntimeError("a case without a cause is always opened")
    await write_audit(
        unit.session,
        actor=scope.actor,
        action=AuditAction.CASE_OPENED,
        bot_id=scope.bot_id,
        guild_id=scope.guild_id,
        target=str(case.number),
        details={"action": case.action, "targetId": str(case.target_id)},
    )
    unit.after_commit(lambda: nudges.reconcile(scope.bot_id))
    return case


async def edit_case(
    *, unit: UnitOfWork, scope: GuildScope, number: int, patch: CasePatch, locale: Locale
) -> Case:
    """Change what people wrote. Raises NotFoundError or InvalidError."""
    case = await get_case(unit.session, scope, number, lock=True)
    changes: dict[str, Any] = {}
    if patch.reason is not UNSET:
        config = await _config(unit, scope)
        changes["reason"] = check_reason(patch.reason, required=config.require_reason, locale=locale)
    if patch.internal_note is not UNSET:
        changes["internal_note"] = check_note(patch.internal_note, locale)
    if patch.related is not UNSET:
        changes["related"] = list(await _known(unit, scope, patch.related, besides=number))
    changes = {name: value for name, value in changes.items() if getattr(case, name) != value}
    if not changes:
        return case
    await update_case(unit.session, case, changes=changes, now=utc_now())
    await write_audit(
        unit.session,
        actor=scope.actor,
        action=AuditAction.CASE_EDITED,
        bot_id=scope.bot_id,
        guild_id=scope.guild_id,
        target=str(number),
        details={"changed": sorted(changes)},
    )
    return case


async def _check_permission(managers: ManagedServers, scope: GuildScope, action: CaseAction) -> None:
    """Managing a server's settings is not the right to ban: the shared bot lends nobody its own rights."""
    guild = (await managers.of(UUID(scope.actor.id))).get(scope.guild_id)
    if guild is None or not guild.may(REQUIRED_PERMISSION[action]):
        raise ForbiddenError(
            "Discord does not let you do this in this server: ask for the permission there.",
            code="cases.permission_missing",
        )


async def _moderator_id(unit: UnitOfWork, scope: GuildScope) -> str:
    """The asker's Discord id on the shared bot: the engine compares its rank with the target's.

    The owner of a branded bot acts with the bot's own rank, which they gave it.
    """
    if scope.bot_id != SHARED_BOT_ID:
        return scope.actor.id
    account = await find_discord_account(unit.session, UUID(scope.actor.id))
    return scope.actor.id if account is None else str(account.discord_user_id)


async def _config(unit: UnitOfWork, scope: GuildScope) -> CasesConfig:
    stored = await get_config(unit.session, scope, "cases")
    return decode_config(CasesConfig, stored.config)


async def _known(
    unit: UnitOfWork, scope: GuildScope, numbers: tuple[int, ...], *, besides: int | None = None
) -> tuple[int, ...]:
    wanted = tuple(sorted(set(numbers)))
    known = await list_known_numbers(unit.session, scope, wanted)
    missing = [number for number in wanted if number not in known or number == besides]
    if missing:
        raise InvalidError(
            "There is no other case " + ", ".join(f"#{number}" for number in missing) + " in this server.",
            code="cases.related_unknown",
            pointer="/related",
        )
    return wanted
