"""The statement of the most read address there is: one module's settings in one server."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Text, and_, bindparam, cast
from sqlmodel import col, select

from astero_shared.db.statements import Statement
from astero_shared.features.installations.tables import Installation
from astero_shared.features.modules.tables import ModuleConfig


@dataclass(frozen=True, slots=True)
class StoredText:
    """`config` is the stored JSON as text; all three are None where the settings were never changed."""

    revision: int | None
    config: str | None
    updated_at: datetime | None


_COLUMNS: Final[tuple[Any, ...]] = (
    ModuleConfig.revision,
    cast(ModuleConfig.config, Text),
    ModuleConfig.updated_at,
)

MODULE_CONFIG: Final = Statement(
    select(*_COLUMNS)
    .select_from(Installation)
    .outerjoin(
        ModuleConfig,
        and_(
            col(ModuleConfig.installation_id) == col(Installation.id),
            col(ModuleConfig.module) == bindparam("module"),
        ),
    )
    .where(
        col(Installation.bot_id) == bindparam("bot_id"),
        col(Installation.guild_id) == bindparam("guild_id"),
        col(Installation.removed_at).is_(None),
    ),
    StoredText,
)
"""bot_id, guild_id, module. None where the bot has no active installation in the server."""
