"""Opening and editing cases from the dashboard: who may, in whose name, and who hears of it afterwards."""

from uuid import UUID

from msgspec import UNSET

from astero_api.features.cases.schemas import CaseIn, CasePatch
from astero_api.features.discord_accounts.managed_servers import ManagedServers
from astero_api.nudges import Nudges
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.errors import ForbiddenError
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.features.cases.config import CasesConfig
from astero_shared.features.cases.rules import REQUIRED_PERMISSION, CaseAction
from astero_shared.features.cases.service import edit_case, fit_draft, open_case
from astero_shared.features.cases.store import CaseDraft
from astero_shared.features.cases.tables import Case
from astero_shared.features.discord_accounts.store import find_discord_account
from astero_shared.features.modules.patches import decode_config
from astero_shared.features.modules.store import get_config
from astero_shared.scope import GuildScope


async def open_asked_case(
    *,
    unit: UnitOfWork,
    nudges: Nudges,
    managers: ManagedServers | None,
    scope: GuildScope,
    command: CaseIn,
) -> Case:
    """Raises InvalidError for what the server's settings or Discord's limits refuse, ForbiddenError for what
    Discord would not let the asker do, NotFoundError.
    """
    action = CaseAction(command.action)
    if managers is not None and scope.bot_id == SHARED_BOT_ID:
        await _check_permission(managers, scope, action)
    asked = CaseDraft(
        action=action.value,
        source="api",
        target_id=int(command.target_id),
        moderator_id=await _moderator_id(unit, scope),
        moderator_name=scope.actor.name,
        reason=command.reason,
        internal_note=command.internal_note,
        duration_seconds=command.duration_seconds,
        related=None if command.related is UNSET else command.related,
    )
    draft = fit_draft(asked, config=await _config(unit, scope))
    case = await open_case(session=unit.session, scope=scope, draft=draft)
    if case is None:
        raise RuntimeError("a case without a cause is always opened")
    unit.after_commit(lambda: nudges.reconcile(scope.bot_id))
    return case


async def edit_asked_case(*, unit: UnitOfWork, scope: GuildScope, number: int, patch: CasePatch) -> Case:
    """Change what people wrote. Raises NotFoundError or InvalidError."""
    return await edit_case(
        session=unit.session,
        scope=scope,
        number=number,
        config=await _config(unit, scope),
        reason=patch.reason,
        internal_note=patch.internal_note,
        related=patch.related,
    )


async def _check_permission(managers: ManagedServers, scope: GuildScope, action: CaseAction) -> None:
    """Managing a server's settings is not the right to ban: the shared bot lends nobody its own rights."""
    guild = (await managers.of(UUID(scope.actor.id), ask_again=True)).get(scope.guild_id)
    if guild is None or not guild.may(REQUIRED_PERMISSION[action]):
        raise ForbiddenError(code="cases.permission_missing")


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
