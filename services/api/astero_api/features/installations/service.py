"""Removing a bot from a server, and bringing it back as it was; the engine hears of it after the commit."""

from astero_api.nudges import Nudges
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.clock import utc_now
from astero_shared.errors import NotFoundError
from astero_shared.features.installations.service import remove_guild, restore_guild
from astero_shared.features.installations.store import find_restorable
from astero_shared.features.installations.tables import Installation
from astero_shared.scope import GuildScope


async def remove_from_guild(*, unit: UnitOfWork, nudges: Nudges, scope: GuildScope) -> None:
    """Starts the 14 days and makes the bot leave. Twice is once.

    Raises NotFoundError where the bot is not and nothing is kept.
    """
    if await remove_guild(session=unit.session, scope=scope, by="dashboard") is not None:
        unit.after_commit(lambda: nudges.leave(scope))
    elif await find_restorable(unit.session, scope, now=utc_now()) is None:
        raise NotFoundError(code="installations.not_found")


async def return_to_guild(*, unit: UnitOfWork, nudges: Nudges, scope: GuildScope) -> Installation:
    """Raises NotFoundError when nothing was removed, GoneError past the deadline."""
    restored = await restore_guild(session=unit.session, scope=scope)
    unit.after_commit(lambda: nudges.reload(scope))
    return restored
