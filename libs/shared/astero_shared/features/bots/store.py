"""Bots and their tokens. The token's ciphertext is written here by the api and read only by the engine."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.errors import NotFoundError
from astero_shared.features.bots.tables import Bot, BotStatus, BotToken
from astero_shared.features.fleet.tables import BotLease, Engine
from astero_shared.scope import Actor, BotScope


@dataclass(frozen=True, slots=True)
class BotRows:
    """A bot with what may be shown of its token and what its engine says."""

    bot: Bot
    last4: str | None
    token_updated_at: datetime | None
    status: BotStatus | None


_SHOWN = (
    select(Bot, BotToken.last4, BotToken.updated_at, BotStatus)
    .outerjoin(BotToken, col(BotToken.bot_id) == col(Bot.id))
    .outerjoin(BotStatus, col(BotStatus.bot_id) == col(Bot.id))
    .where(col(Bot.removed_at).is_(None))
)


async def get_bot_rows(session: AsyncSession, scope: BotScope) -> BotRows:
    """Raises NotFoundError also for a bot that was removed."""
    row = (await session.exec(_SHOWN.where(col(Bot.id) == scope.bot_id))).one_or_none()
    if row is None:
        raise NotFoundError(code="bots.not_found")
    return BotRows(*row)


async def list_visible_bots(
    session: AsyncSession, actor: Actor, *, shared: bool, after: UUID | None = None, limit: int = 100
) -> list[BotRows]:
    """The branded bots of a dashboard user, oldest first; with `shared` the Astero bot before them."""
    visible = col(Bot.owner_user_id) == UUID(actor.id)
    if shared:
        visible = or_(visible, col(Bot.kind) == "shared")
    query = _SHOWN.where(visible)
    if after is not None:
        query = query.where(col(Bot.id) > after)
    rows = (await session.exec(query.order_by(col(Bot.id)).limit(limit))).all()
    return [BotRows(*row) for row in rows]


async def get_bot(session: AsyncSession, scope: BotScope, *, lock: bool = False) -> Bot:
    """Raises NotFoundError also for a bot that was removed."""
    query = select(Bot).where(col(Bot.id) == scope.bot_id, col(Bot.removed_at).is_(None))
    if lock:
        query = query.with_for_update()
    bot = (await session.exec(query)).one_or_none()
    if bot is None:
        raise NotFoundError(code="bots.not_found")
    return bot


async def insert_bot(session: AsyncSession, bot: Bot) -> None:
    """Raises IntegrityError on `bots_application_id_key` when the application is hosted already."""
    session.add(bot)
    await session.flush()


async def update_bot(
    session: AsyncSession, scope: BotScope, *, changes: dict[str, Any], now: datetime
) -> None:
    """`changes` by column of Bot; what the owner wants and what Discord says of it."""
    await session.exec(update(Bot).where(col(Bot.id) == scope.bot_id).values(**changes, updated_at=now))


async def remove_bot(session: AsyncSession, scope: BotScope, *, now: datetime) -> None:
    """Hosted no longer: the token goes at once, the row stays for what hangs on it."""
    await session.exec(delete(BotToken).where(col(BotToken.bot_id) == scope.bot_id))
    await update_bot(session, scope, changes={"removed_at": now, "desired_state": "stopped"}, now=now)


async def write_token(
    session: AsyncSession, scope: BotScope, *, ciphertext: bytes, last4: str, now: datetime
) -> None:
    """Store or replace. The values are repeated as parameters because `excluded` would need the right to
    read the column.
    """
    values = {"ciphertext": ciphertext, "last4": last4, "updated_at": now}
    await session.exec(
        insert(BotToken)
        .values(bot_id=scope.bot_id, **values)
        .on_conflict_do_update(index_elements=["bot_id"], set_=values)
    )


async def find_status(session: AsyncSession, scope: BotScope) -> BotStatus | None:
    return await session.get(BotStatus, scope.bot_id)


async def write_commands_hash(
    session: AsyncSession, scope: BotScope, *, fingerprint: str, now: datetime
) -> None:
    """Which definitions of the slash commands Discord knows for this bot; its state stays as it is."""
    fresh = insert(BotStatus).values(
        bot_id=scope.bot_id,
        state="starting",
        detail={},
        commands_hash=fingerprint,
        since_at=now,
        reported_at=now,
    )
    await session.exec(
        fresh.on_conflict_do_update(index_elements=["bot_id"], set_={"commands_hash": fingerprint})
    )


async def find_engine_url(session: AsyncSession, bot_id: UUID, *, alive_since: datetime) -> str | None:
    """The private address of the engine that holds the bot, else of the newest engine that is alive."""
    query = (
        select(Engine.url)
        .outerjoin(
            BotLease,
            (col(BotLease.engine_id) == col(Engine.id)) & (col(BotLease.bot_id) == bot_id),
        )
        .where(col(Engine.heartbeat_at) > alive_since)
        .order_by(
            col(BotLease.expires_at).desc().nulls_last(), col(Engine.draining), col(Engine.started_at).desc()
        )
        .limit(1)
    )
    return (await session.exec(query)).one_or_none()
