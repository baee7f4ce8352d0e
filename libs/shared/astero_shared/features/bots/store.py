"""Bots and their tokens. The token's ciphertext is written here by the api and read only by the engine."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.errors import NotFoundError
from astero_shared.features.bots.tables import Bot, BotStatus, BotToken
from astero_shared.features.fleet.tables import BotLease, Engine
from astero_shared.scope import Actor, BotScope


async def get_bot(session: AsyncSession, scope: BotScope, *, lock: bool = False) -> Bot:
    """Raises NotFoundError also for a bot that was removed."""
    query = select(Bot).where(col(Bot.id) == scope.bot_id, col(Bot.removed_at).is_(None))
    if lock:
        query = query.with_for_update()
    bot = (await session.exec(query)).one_or_none()
    if bot is None:
        raise NotFoundError("There is no such bot.", code="bots.not_found")
    return bot


async def list_owned_bots(
    session: AsyncSession, actor: Actor, *, after: UUID | None = None, limit: int = 100
) -> Sequence[Bot]:
    """The branded bots of a dashboard user, oldest first."""
    query = select(Bot).where(col(Bot.owner_user_id) == UUID(actor.id), col(Bot.removed_at).is_(None))
    if after is not None:
        query = query.where(col(Bot.id) > after)
    return (await session.exec(query.order_by(col(Bot.id)).limit(limit))).all()


async def insert_bot(session: AsyncSession, bot: Bot) -> None:
    """Raises IntegrityError on `bots_application_id_key` when the application is hosted already."""
    session.add(bot)
    await session.flush()


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


async def find_token_summary(session: AsyncSession, scope: BotScope) -> tuple[str, datetime] | None:
    """(last four characters, when it was set): all that anybody may see of a token."""
    query = select(BotToken.last4, BotToken.updated_at).where(col(BotToken.bot_id) == scope.bot_id)
    return (await session.exec(query)).one_or_none()


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
