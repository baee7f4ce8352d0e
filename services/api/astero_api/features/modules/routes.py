"""Modules: what there is, what a server has set, and every revision of it."""

from typing import Annotated, Any

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from astero_api.features.modules.rendering import render_config, render_stored
from astero_api.features.modules.schemas import (
    ChangedBy,
    ModuleList,
    ModuleOut,
    RevisionOut,
    RevisionPage,
    SettingsList,
    SettingsOut,
)
from astero_api.features.modules.service import change_module, restore_module
from astero_api.web.context import context_of
from astero_api.web.etag import etag, is_unchanged
from astero_api.web.language import language_of
from astero_api.web.limits import READ, WRITE
from astero_api.web.paging import Cursor, PageSize, cut, number_cursor
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.request import AnyRequest
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.errors import NotFoundError
from astero_shared.features.modules.catalog import MODULES, get_module
from astero_shared.features.modules.fields import list_groups, module_title
from astero_shared.features.modules.patches import decode_config
from astero_shared.features.modules.reading import MODULE_CONFIG
from astero_shared.features.modules.schema import module_schema
from astero_shared.features.modules.service import Change
from astero_shared.features.modules.store import list_configs, list_revisions
from astero_shared.scope import GuildScope

ModuleName = Annotated[str, PathParameter(max_length=40, description="`automod`, `cases`, …")]
RevisionNumber = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]

_GUILD = "/api/bots/{bot_id:uuid}/guilds/{guild_id:str}"
_READS = policy(permission=Permission.GUILD_MANAGER, limit=READ, audit=AuditClass.NONE)
_WRITES = policy(
    permission=Permission.GUILD_MANAGER,
    limit=WRITE,
    audit=AuditClass.CHANGE,
    revisions="If-Match",
)
_READS_ONE = policy(
    permission=Permission.GUILD_MANAGER,
    limit=READ,
    audit=AuditClass.NONE,
    revisions="If-None-Match",
)


@get(
    "/api/modules",
    opt=policy(permission=Permission.PUBLIC, limit=READ, audit=AuditClass.NONE),
    sync_to_thread=False,
)
def list_modules(request: AnyRequest) -> ModuleList:
    """Every module with the definition of its settings, in the language asked for."""
    locale = language_of(request.scope)
    return ModuleList(
        items=tuple(
            ModuleOut(
                module=name,
                title=module_title(name, locale),
                schema=module_schema(name),
                groups=list_groups(name, locale),
            )
            for name in MODULES
        )
    )


@get(f"{_GUILD}/modules", opt=_READS)
async def list_settings(
    guild: NamedDependency[GuildScope], unit: NamedDependency[UnitOfWork]
) -> SettingsList:
    """The settings of every module in this server."""
    stored = await list_configs(unit.session, guild)
    items: list[SettingsOut] = []
    for name, spec in MODULES.items():
        found = stored.get(name)
        items.append(
            SettingsOut(
                module=name,
                revision=found.revision if found else 0,
                updated_at=found.updated_at if found else None,
                config=render_config(decode_config(spec.config, found.config if found else None)),
            )
        )
    return SettingsList(items=tuple(items))


@get(f"{_GUILD}/modules/{{module:str}}", opt=_READS_ONE)
async def get_settings(
    request: AnyRequest, guild: NamedDependency[GuildScope], module: ModuleName
) -> Response[SettingsOut | None]:
    """One module's settings. The ETag is the revision; If-None-Match answers 304."""
    get_module(module)
    stored = await request.app.state.reader.find(
        MODULE_CONFIG, bot_id=guild.bot_id, guild_id=guild.guild_id, module=module
    )
    if stored is None:
        raise NotFoundError(code="installations.not_found")
    revision = stored.revision or 0
    context_of(request.scope).headers.append((b"etag", etag(revision).encode()))
    if is_unchanged(request.scope, revision):
        return Response(None, status_code=304)
    return Response(
        SettingsOut(
            module=module,
            revision=revision,
            updated_at=stored.updated_at,
            config=render_stored(module, stored.config),
        )
    )


@patch(f"{_GUILD}/modules/{{module:str}}", opt=_WRITES)
async def patch_settings(
    request: AnyRequest,
    guild: NamedDependency[GuildScope],
    unit: NamedDependency[UnitOfWork],
    module: ModuleName,
    data: JSONBody[dict[str, Any]],
) -> SettingsOut:
    """Change some settings by a JSON merge patch (RFC 7396): `null` brings a default back.

    If-Match refuses the change (412) when somebody else's came first.
    """
    done = await change_module(
        unit=unit,
        nudges=request.app.state.nudges,
        scope=guild,
        kind=get_module(module).config,
        patch=data,
        request=request.scope,
    )
    return _answer(request, module, done)


@get(f"{_GUILD}/modules/{{module:str}}/revisions", opt=_READS)
async def list_module_revisions(
    guild: NamedDependency[GuildScope],
    unit: NamedDependency[UnitOfWork],
    module: ModuleName,
    cursor: Cursor = None,
    limit: PageSize = 20,
) -> RevisionPage:
    """Every change of a module's settings, newest first."""
    spec = get_module(module)
    rows, more = cut(
        await list_revisions(unit.session, guild, module, before=number_cursor(cursor), limit=limit + 1),
        limit,
    )
    return RevisionPage(
        items=tuple(
            RevisionOut(
                revision=row.revision,
                created_at=row.created_at,
                actor=ChangedBy(kind=row.actor_kind, id=row.actor_id, name=row.actor_name),
                config=render_config(decode_config(spec.config, row.config)),
            )
            for row in rows
        ),
        next_cursor=str(rows[-1].revision) if more else None,
    )


@post(
    f"{_GUILD}/modules/{{module:str}}/revisions/{{revision:int}}/restore",
    status_code=200,
    opt=_WRITES,
)
async def restore_revision(
    request: AnyRequest,
    guild: NamedDependency[GuildScope],
    unit: NamedDependency[UnitOfWork],
    module: ModuleName,
    revision: RevisionNumber,
) -> SettingsOut:
    """Bring the settings of an earlier revision back, as a new revision."""
    done = await restore_module(
        unit=unit,
        nudges=request.app.state.nudges,
        scope=guild,
        kind=get_module(module).config,
        revision=revision,
        request=request.scope,
    )
    return _answer(request, module, done)


def _answer(request: AnyRequest, module: str, done: Change[Any]) -> SettingsOut:
    context_of(request.scope).headers.append((b"etag", etag(done.revision).encode()))
    return SettingsOut(
        module=module,
        revision=done.revision,
        updated_at=done.updated_at,
        config=render_config(done.after),
    )
