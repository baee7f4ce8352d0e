"""The case log of a server."""

from typing import Annotated

from litestar import get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from astero_api.features.cases.schemas import CaseIn, CaseOut, CasePage, CasePatch
from astero_api.features.cases.service import edit_asked_case, open_asked_case
from astero_api.web.context import context_of
from astero_api.web.limits import READ, WRITE
from astero_api.web.paging import Cursor, PageSize, cut, number_cursor
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.request import AnyRequest
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.features.cases.rules import CaseAction
from astero_shared.features.cases.store import get_case, list_cases
from astero_shared.ids import Snowflake
from astero_shared.scope import GuildScope

CaseNumber = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
Target = Annotated[
    Snowflake | None, QueryParameter(name="targetId", description="Only cases about this member.")
]
Moderator = Annotated[
    str | None, QueryParameter(name="moderatorId", max_length=64, description="Only cases by this person.")
]
Action = Annotated[CaseAction | None, QueryParameter(description="Only cases of this kind.")]

_CASES = "/api/bots/{bot_id:uuid}/guilds/{guild_id:str}/cases"
_READS = policy(permission=Permission.GUILD_MANAGER, limit=READ, audit=AuditClass.NONE)
_WRITES = policy(permission=Permission.GUILD_MANAGER, limit=WRITE, audit=AuditClass.CHANGE)


@get(_CASES, opt=_READS)
async def list_guild_cases(
    guild: NamedDependency[GuildScope],
    unit: NamedDependency[UnitOfWork],
    target_id: Target = None,
    moderator_id: Moderator = None,
    action: Action = None,
    cursor: Cursor = None,
    limit: PageSize = 50,
) -> CasePage:
    """The cases of the server, newest first."""
    rows, more = cut(
        await list_cases(
            unit.session,
            guild,
            target_id=None if target_id is None else int(target_id),
            moderator_id=moderator_id,
            action=action,
            before=number_cursor(cursor),
            limit=limit + 1,
        ),
        limit,
    )
    return CasePage(
        items=tuple(CaseOut.of(row) for row in rows),
        next_cursor=str(rows[-1].number) if more else None,
    )


@post(_CASES, opt=_WRITES)
async def open_guild_case(
    request: AnyRequest,
    guild: NamedDependency[GuildScope],
    unit: NamedDependency[UnitOfWork],
    data: JSONBody[CaseIn],
) -> CaseOut:
    """Open a case. It is `pending` until the bot has done in Discord what it says."""
    case = await open_asked_case(
        unit=unit,
        nudges=request.app.state.nudges,
        managers=request.app.state.managed_servers,
        scope=guild,
        command=data,
    )
    location = f"/api/bots/{guild.bot_id}/guilds/{guild.guild_id}/cases/{case.number}"
    context_of(request.scope).headers.append((b"location", location.encode()))
    return CaseOut.of(case)


@get(f"{_CASES}/{{number:int}}", opt=_READS)
async def get_guild_case(
    guild: NamedDependency[GuildScope], unit: NamedDependency[UnitOfWork], number: CaseNumber
) -> CaseOut:
    """One case."""
    return CaseOut.of(await get_case(unit.session, guild, number))


@patch(f"{_CASES}/{{number:int}}", opt=_WRITES)
async def patch_guild_case(
    guild: NamedDependency[GuildScope],
    unit: NamedDependency[UnitOfWork],
    number: CaseNumber,
    data: JSONBody[CasePatch],
) -> CaseOut:
    """Change the reason, the internal note or the related cases."""
    case = await edit_asked_case(unit=unit, scope=guild, number=number, patch=data)
    return CaseOut.of(case)
