"""Module settings: the row in force, its revisions, and the one function that changes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import and_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.errors import NotFoundError, PreconditionFailedError
from astero_shared.features.installations.store import get_active
from astero_shared.features.installations.tables import Installation
from astero_shared.features.modules.tables import ModuleConfig, ModuleRevision
from astero_shared.scope import BotScope, GuildScope


@dataclass(frozen=True, slots=True)
class StoredConfig:
    """`revision` 0 and `config` None: never changed, the module's defaults hold."""

    revision: int
    config: dict[str, Any] | None
    updated_at: datetime | None


async def get_config(session: AsyncSession, scope: GuildScope, module: str) -> StoredConfig:
    """One query. Raises NotFoundError when the bot has no active installation in the server."""
    query = (
        select(Installation.id, ModuleConfig.revision, ModuleConfig.config, ModuleConfig.updated_at)
        .outerjoin(
            ModuleConfig,
            and_(
                col(ModuleConfig.installation_id) == col(Installation.id), col(ModuleConfig.module) == module
            ),
        )
        .where(
            col(Installation.bot_id) == scope.bot_id,
            col(Installation.guild_id) == scope.guild_id,
            col(Installation.removed_at).is_(None),
        )
    )
    row = (await session.exec(query)).one_or_none()
    if row is None:
        raise NotFoundError(code="installations.not_found")
    _, revision, config, updated_at = row
    return StoredConfig(revision or 0, cast("dict[str, Any] | None", config), updated_at)


async def list_configs(session: AsyncSession, scope: GuildScope) -> dict[str, StoredConfig]:
    """Every module of the server that was ever changed, by name."""
    installation = await get_active(session, scope)
    rows = await session.exec(
        select(ModuleConfig).where(col(ModuleConfig.installation_id) == installation.id)
    )
    return {row.module: StoredConfig(row.revision, row.config, row.updated_at) for row in rows}


async def update_config(
    session: AsyncSession,
    scope: GuildScope,
    module: str,
    *,
    config: dict[str, Any],
    expected_revision: int,
    now: datetime,
) -> int:
    """Write the next revision and answer its number.

    `config` must be validated. Raises PreconditionFailedError when `expected_revision` is no longer in force.
    """
    installation = await get_active(session, scope, lock=True)
    current = (await get_config(session, scope, module)).revision
    if current != expected_revision:
        raise PreconditionFailedError(code="modules.revision_conflict")
    revision = current + 1
    written = {"revision": revision, "config": config, "updated_at": now}
    await session.exec(
        insert(ModuleConfig)
        .values(
            installation_id=installation.id,
            module=module,
            bot_id=scope.bot_id,
            guild_id=scope.guild_id,
            **written,
        )
        .on_conflict_do_update(index_elements=["installation_id", "module"], set_=written)
    )
    actor = scope.actor
    session.add(
        ModuleRevision(
            installation_id=installation.id,
            module=module,
            bot_id=scope.bot_id,
            guild_id=scope.guild_id,
            revision=revision,
            config=config,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name,
            created_at=now,
        )
    )
    await session.flush()
    return revision


async def list_revisions(
    session: AsyncSession, scope: GuildScope, module: str, *, before: int | None = None, limit: int = 50
) -> Sequence[ModuleRevision]:
    """Newest first."""
    installation = await get_active(session, scope)
    query = select(ModuleRevision).where(
        col(ModuleRevision.installation_id) == installation.id, col(ModuleRevision.module) == module
    )
    if before is not None:
        query = query.where(col(ModuleRevision.revision) < before)
    return (await session.exec(query.order_by(col(ModuleRevision.revision).desc()).limit(limit))).all()


async def get_revision(
    session: AsyncSession, scope: GuildScope, module: str, revision: int
) -> ModuleRevision:
    installation = await get_active(session, scope)
    found = await session.get(ModuleRevision, (installation.id, module, revision))
    if found is None:
        raise NotFoundError(code="modules.no_revision", params={"revision": revision})
    return found


@dataclass(frozen=True, slots=True)
class ActiveConfig:
    """Where one module of one server stands. The installation counts too: a restored server may stand at
    the same revision as the blank one it replaces.
    """

    bot_id: UUID
    guild_id: int
    module: str
    installation_id: UUID
    revision: int


async def list_active_revisions(session: AsyncSession, bot_ids: Sequence[UUID]) -> list[ActiveConfig]:
    """What the engine compares with its memory: no settings, only where they stand."""
    query = (
        select(
            ModuleConfig.bot_id,
            ModuleConfig.guild_id,
            ModuleConfig.module,
            ModuleConfig.installation_id,
            ModuleConfig.revision,
        )  # pyright: ignore[reportCallIssue] - select() is typed for four columns
        .join(Installation, col(Installation.id) == col(ModuleConfig.installation_id))
        .where(col(ModuleConfig.bot_id).in_(bot_ids), col(Installation.removed_at).is_(None))
    )
    return [ActiveConfig(*row) for row in (await session.exec(query)).all()]


async def list_bot_configs(
    session: AsyncSession, scope: BotScope, *, guild_ids: Sequence[int] | None = None
) -> Sequence[ModuleConfig]:
    """The settings in force in all servers of a bot, or in `guild_ids`; none of removed servers."""
    query = (
        select(ModuleConfig)
        .join(Installation, col(Installation.id) == col(ModuleConfig.installation_id))
        .where(col(ModuleConfig.bot_id) == scope.bot_id, col(Installation.removed_at).is_(None))
    )
    if guild_ids is not None:
        query = query.where(col(ModuleConfig.guild_id).in_(guild_ids))
    return (await session.exec(query)).all()
