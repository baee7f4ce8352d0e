"""Hosted bots: the ones a user owns, and the shared one beside them."""

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from astero_api.features.bots.rendering import render_bot
from astero_api.features.bots.schemas import BotIn, BotOut, BotPage, BotPatch, StatusOut, TokenIn
from astero_api.features.bots.service import (
    Hosting,
    create_bot,
    rename_bot,
    replace_token,
    set_desired_state,
    take_away_bot,
)
from astero_api.web.context import context_of
from astero_api.web.identity import Identity
from astero_api.web.language import language_of
from astero_api.web.limits import COSTLY, READ, WRITE
from astero_api.web.paging import Cursor, PageSize, cut, id_cursor
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.request import AnyRequest
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.features.bots.store import get_bot_rows, list_visible_bots
from astero_shared.features.discord_accounts.store import find_discord_account
from astero_shared.scope import BotScope

_BOT = "/api/bots/{bot_id:uuid}"
_VIEWS = policy(permission=Permission.BOT_VIEWER, limit=READ, audit=AuditClass.NONE)
_OWNS = policy(permission=Permission.BOT_OWNER, limit=WRITE, audit=AuditClass.CHANGE)
_REPLACES_TOKEN = policy(permission=Permission.BOT_OWNER, limit=COSTLY, audit=AuditClass.CHANGE, fresh=True)
_TAKES_AWAY = policy(permission=Permission.BOT_OWNER, limit=WRITE, audit=AuditClass.CHANGE, fresh=True)


@get(
    "/api/bots",
    opt=policy(permission=Permission.SIGNED_IN, limit=READ, audit=AuditClass.NONE),
)
async def list_bots(
    request: AnyRequest,
    identity: NamedDependency[Identity],
    unit: NamedDependency[UnitOfWork],
    cursor: Cursor = None,
    limit: PageSize = 50,
) -> BotPage:
    """The user's bots; with a Discord account connected, the shared Astero bot comes first."""
    shared = await find_discord_account(unit.session, identity.user_id) is not None
    rows, more = cut(
        await list_visible_bots(
            unit.session, identity.actor, shared=shared, after=id_cursor(cursor), limit=limit + 1
        ),
        limit,
    )
    locale, api_url = language_of(request.scope), _api_url(request)
    return BotPage(
        items=tuple(render_bot(row, locale, api_url=api_url) for row in rows),
        next_cursor=str(rows[-1].bot.id) if more else None,
    )


@post(
    "/api/bots",
    opt=policy(permission=Permission.SIGNED_IN, limit=COSTLY, audit=AuditClass.CHANGE, refusals=(409,)),
)
async def host_bot(
    request: AnyRequest,
    identity: NamedDependency[Identity],
    unit: NamedDependency[UnitOfWork],
    data: JSONBody[BotIn],
) -> BotOut:
    """Host a bot of one's own by its Discord token. It comes online within seconds."""
    scope = await create_bot(unit=unit, hosting=_hosting(request), identity=identity, command=data)
    context_of(request.scope).headers.append((b"location", f"/api/bots/{scope.bot_id}".encode()))
    return await _answer(request, scope, unit)


@get(_BOT, opt=_VIEWS)
async def get_hosted_bot(
    request: AnyRequest, bot: NamedDependency[BotScope], unit: NamedDependency[UnitOfWork]
) -> BotOut:
    """One bot."""
    return await _answer(request, bot, unit)


@get(f"{_BOT}/status", opt=_VIEWS)
async def get_bot_status(
    request: AnyRequest, bot: NamedDependency[BotScope], unit: NamedDependency[UnitOfWork]
) -> StatusOut:
    """What the bot is doing, why, and what its owner can do about it."""
    return (await _answer(request, bot, unit)).status


@patch(_BOT, opt=_OWNS)
async def patch_bot(
    request: AnyRequest,
    bot: NamedDependency[BotScope],
    unit: NamedDependency[UnitOfWork],
    data: JSONBody[BotPatch],
) -> BotOut:
    """Rename the bot in the dashboard."""
    await rename_bot(unit=unit, scope=bot, name=data.name)
    return await _answer(request, bot, unit)


@put(f"{_BOT}/token", opt=_REPLACES_TOKEN)
async def put_bot_token(
    request: AnyRequest,
    bot: NamedDependency[BotScope],
    unit: NamedDependency[UnitOfWork],
    data: JSONBody[TokenIn],
) -> BotOut:
    """Replace the token, after a reset at Discord. It must be of the same application."""
    await replace_token(unit=unit, hosting=_hosting(request), scope=bot, token=data.token)
    return await _answer(request, bot, unit)


@post(f"{_BOT}/start", status_code=200, opt=_OWNS)
async def start_bot(
    request: AnyRequest, bot: NamedDependency[BotScope], unit: NamedDependency[UnitOfWork]
) -> BotOut:
    """Ask for the bot to run. `status` says when it does."""
    await set_desired_state(unit=unit, hosting=_hosting(request), scope=bot, desired="running")
    return await _answer(request, bot, unit)


@post(f"{_BOT}/stop", status_code=200, opt=_OWNS)
async def stop_bot(
    request: AnyRequest, bot: NamedDependency[BotScope], unit: NamedDependency[UnitOfWork]
) -> BotOut:
    """Ask for the bot to go offline; everything is kept."""
    await set_desired_state(unit=unit, hosting=_hosting(request), scope=bot, desired="stopped")
    return await _answer(request, bot, unit)


@delete(_BOT, status_code=204, opt=_TAKES_AWAY)
async def delete_bot(
    request: AnyRequest, bot: NamedDependency[BotScope], unit: NamedDependency[UnitOfWork]
) -> None:
    """Stop hosting the bot and forget its token."""
    await take_away_bot(unit=unit, hosting=_hosting(request), scope=bot)


def _hosting(request: AnyRequest) -> Hosting:
    return request.app.state.hosting


def _api_url(request: AnyRequest) -> str:
    return request.app.state.settings.discord_api_url


async def _answer(request: AnyRequest, scope: BotScope, unit: UnitOfWork) -> BotOut:
    rows = await get_bot_rows(unit.session, scope)
    return render_bot(rows, language_of(request.scope), api_url=_api_url(request))
