"""The servers of a bot: active, removed, restored."""

from typing import Annotated, Literal

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from astero_api.features.installations.schemas import GuildOut, GuildPage
from astero_api.features.installations.service import remove_from_guild, return_to_guild
from astero_api.web.identity import Identity
from astero_api.web.limits import COSTLY, READ, WRITE
from astero_api.web.paging import Cursor, PageSize, cut, id_cursor
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.request import AnyRequest
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.clock import utc_now
from astero_shared.features.bots.rules import invite_url
from astero_shared.features.bots.store import get_bot
from astero_shared.features.bots.tables import SHARED_BOT_ID, Bot
from astero_shared.features.installations.store import get_active, list_installations
from astero_shared.features.installations.tables import Installation
from astero_shared.scope import BotScope, GuildScope

GuildState = Annotated[
    Literal["active", "removed"],
    QueryParameter(name="state", description="`removed` lists what can still be restored."),
]
_GUILDS = "/api/bots/{bot_id:uuid}/guilds"
_GUILD = f"{_GUILDS}/{{guild_id:str}}"


@get(
    _GUILDS,
    opt=policy(permission=Permission.BOT_VIEWER, limit=READ, audit=AuditClass.NONE, refusals=(403,)),
)
async def list_guilds(
    request: AnyRequest,
    identity: NamedDependency[Identity],
    bot: NamedDependency[BotScope],
    unit: NamedDependency[UnitOfWork],
    guild_state: GuildState = "active",
    cursor: Cursor = None,
    limit: PageSize = 100,
) -> GuildPage:
    """The servers of the bot. Of the shared bot, those that the user manages in Discord."""
    only = None
    if bot.bot_id == SHARED_BOT_ID:
        managers = request.app.state.managed_servers
        only = [] if managers is None else list(await managers.of(identity.user_id))
    rows, more = cut(
        await list_installations(
            unit.session,
            bot,
            state=guild_state,
            now=utc_now(),
            only=only,
            after=id_cursor(cursor),
            limit=limit + 1,
        ),
        limit,
    )
    hosted = await get_bot(unit.session, bot)
    return GuildPage(
        items=tuple(_render(request, hosted, row) for row in rows),
        next_cursor=str(rows[-1].id) if more else None,
    )


@get(
    _GUILD,
    opt=policy(permission=Permission.GUILD_MANAGER, limit=READ, audit=AuditClass.NONE),
)
async def get_guild(
    request: AnyRequest, guild: NamedDependency[GuildScope], unit: NamedDependency[UnitOfWork]
) -> GuildOut:
    """One server the bot is in."""
    return await _answer(request, guild, unit, await get_active(unit.session, guild))


@delete(
    _GUILD,
    status_code=204,
    opt=policy(permission=Permission.GUILD_MANAGER, limit=WRITE, audit=AuditClass.CHANGE),
)
async def remove_guild(
    request: AnyRequest, guild: NamedDependency[GuildScope], unit: NamedDependency[UnitOfWork]
) -> None:
    """Make the bot leave. Its settings and cases can be restored for 14 days."""
    await remove_from_guild(unit=unit, nudges=request.app.state.nudges, scope=guild)


@post(
    f"{_GUILD}/restore",
    status_code=200,
    opt=policy(permission=Permission.GUILD_MANAGER, limit=COSTLY, audit=AuditClass.CHANGE, refusals=(410,)),
)
async def restore_removed_guild(
    request: AnyRequest, guild: NamedDependency[GuildScope], unit: NamedDependency[UnitOfWork]
) -> GuildOut:
    """Bring a removed server back as it was; 410 when the 14 days are over."""
    restored = await return_to_guild(unit=unit, nudges=request.app.state.nudges, scope=guild)
    return await _answer(request, guild, unit, restored)


async def _answer(request: AnyRequest, guild: GuildScope, unit: UnitOfWork, row: Installation) -> GuildOut:
    return _render(request, await get_bot(unit.session, BotScope(guild.actor, guild.bot_id)), row)


def _render(request: AnyRequest, bot: Bot, row: Installation) -> GuildOut:
    absent = row.removed_at is not None or not row.present
    api_url = request.app.state.settings.discord_api_url
    return GuildOut.of(
        row,
        invite_url=invite_url(bot, api_url=api_url, guild_id=row.guild_id) if absent else None,
    )
