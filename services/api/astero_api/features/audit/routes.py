"""Who changed what in a server, and what one did oneself."""

from litestar import get
from litestar.di import NamedDependency

from astero_api.features.audit.schemas import AuditEntryOut, AuditPage, OwnEntriesPage, OwnEntryOut
from astero_api.web.identity import Identity
from astero_api.web.limits import READ
from astero_api.web.paging import Cursor, PageSize, cut, id_cursor, number_cursor
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.store import list_guild_entries, list_own_entries
from astero_shared.scope import GuildScope


@get(
    "/api/bots/{bot_id:uuid}/guilds/{guild_id:str}/audit",
    opt=policy(permission=Permission.GUILD_MANAGER, limit=READ, audit=AuditClass.NONE),
)
async def list_guild_audit(
    guild: NamedDependency[GuildScope],
    unit: NamedDependency[UnitOfWork],
    cursor: Cursor = None,
    limit: PageSize = 50,
) -> AuditPage:
    """What dashboard users, members and Astero itself changed in this server, newest first."""
    rows, more = cut(
        await list_guild_entries(unit.session, guild, before=number_cursor(cursor), limit=limit + 1), limit
    )
    return AuditPage(
        items=tuple(AuditEntryOut.of(row) for row in rows),
        next_cursor=str(rows[-1].seq) if more else None,
    )


@get(
    "/api/users/audit",
    opt=policy(permission=Permission.SIGNED_IN, limit=READ, audit=AuditClass.NONE),
)
async def list_own_audit(
    identity: NamedDependency[Identity],
    unit: NamedDependency[UnitOfWork],
    cursor: Cursor = None,
    limit: PageSize = 50,
) -> OwnEntriesPage:
    """Your sign-ins, sessions, bots and tokens, and what you changed in servers, newest first."""
    rows, more = cut(
        await list_own_entries(unit.session, identity.actor, before=id_cursor(cursor), limit=limit + 1), limit
    )
    return OwnEntriesPage(
        items=tuple(OwnEntryOut.of(row) for row in rows),
        next_cursor=str(rows[-1].id) if more else None,
    )
