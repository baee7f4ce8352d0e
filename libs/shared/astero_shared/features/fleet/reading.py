"""How many engines are alive: what the api's readiness says of the other side."""

from typing import Any, Final

from sqlalchemy import bindparam, func
from sqlmodel import col, select

from astero_shared.db.statements import Statement
from astero_shared.features.fleet.tables import Engine

_COUNT: Final[tuple[Any, ...]] = (func.count(),)

LIVE_ENGINES: Final = Statement(
    select(*_COUNT).select_from(Engine).where(col(Engine.heartbeat_at) > bindparam("alive_since")), int
)
"""alive_since: engines that have been heard of later than this."""
