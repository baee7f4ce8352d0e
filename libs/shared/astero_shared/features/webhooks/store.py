"""Endpoints of a server, their secrets and what they were told. Those of a removed server are not visible."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.errors import ConflictError, NotFoundError
from astero_shared.features.installations.store import get_active
from astero_shared.features.webhooks.outbox import shown_actor
from astero_shared.features.webhooks.rules import MAX_SECRETS, MAX_WEBHOOKS, ROTATION
from astero_shared.features.webhooks.tables import Webhook, WebhookDelivery, WebhookSecret
from astero_shared.ids import new_id
from astero_shared.scope import GuildScope


async def list_webhooks(session: AsyncSession, scope: GuildScope) -> Sequence[Webhook]:
    """Oldest first; there are ten at most. Raises NotFoundError."""
    installation = await get_active(session, scope)
    query = select(Webhook).where(col(Webhook.installation_id) == installation.id)
    return (await session.exec(query.order_by(col(Webhook.id)))).all()


async def get_webhook(
    session: AsyncSession, scope: GuildScope, webhook_id: UUID, *, lock: bool = False
) -> Webhook:
    """Raises NotFoundError (`webhooks.not_found`)."""
    installation = await get_active(session, scope)
    query = select(Webhook).where(
        col(Webhook.installation_id) == installation.id, col(Webhook.id) == webhook_id
    )
    if lock:
        # those who tell it something must not wait: they lock its key only
        query = query.with_for_update(key_share=True)
    found = (await session.exec(query)).one_or_none()
    if found is None:
        raise NotFoundError(code="webhooks.not_found")
    return found


async def insert_webhook(
    session: AsyncSession,
    scope: GuildScope,
    *,
    webhook_id: UUID,
    url: str,
    events: Sequence[str],
    description: str | None,
    created_by: UUID,
    now: datetime,
) -> Webhook:
    """Raises ConflictError (`webhooks.too_many`); two at once wait for each other at the installation."""
    installation = await get_active(session, scope, lock=True)
    counted = select(func.count()).where(col(Webhook.installation_id) == installation.id)
    if (await session.exec(counted)).one() >= MAX_WEBHOOKS:
        raise ConflictError(code="webhooks.too_many", params={"max": MAX_WEBHOOKS})
    webhook = Webhook(
        id=webhook_id,
        installation_id=installation.id,
        bot_id=scope.bot_id,
        guild_id=scope.guild_id,
        url=url,
        description=description,
        events=list(events),
        created_by=created_by,
        created_at=now,
        updated_at=now,
    )
    session.add(webhook)
    await session.flush()
    return webhook


async def update_webhook(
    session: AsyncSession, scope: GuildScope, webhook: Webhook, *, changes: dict[str, Any], now: datetime
) -> None:
    """`webhook` is what get_webhook gave for this scope, locked."""
    await session.exec(
        update(Webhook)
        .where(
            col(Webhook.id) == webhook.id,
            col(Webhook.bot_id) == scope.bot_id,
            col(Webhook.guild_id) == scope.guild_id,
        )
        .values(**changes, updated_at=now)
    )
    await session.refresh(webhook)


async def delete_webhook(session: AsyncSession, scope: GuildScope, webhook_id: UUID) -> Webhook:
    """With its secrets and its log. Raises NotFoundError."""
    webhook = await get_webhook(session, scope, webhook_id, lock=True)
    await session.exec(delete(Webhook).where(col(Webhook.id) == webhook.id))
    return webhook


async def replace_secret(
    session: AsyncSession,
    scope: GuildScope,
    webhook_id: UUID,
    *,
    secret_id: UUID,
    ciphertext: bytes,
    now: datetime,
) -> datetime | None:
    """What signed until now signs beside it for 24 hours; answers their end, or None for the first secret.

    Of those replaced a moment ago the oldest go: a header with a dozen signatures helps nobody.
    """
    await get_webhook(session, scope, webhook_id, lock=True)
    until = now + ROTATION
    replaced = await session.exec(
        update(WebhookSecret)
        .where(col(WebhookSecret.webhook_id) == webhook_id, col(WebhookSecret.expires_at).is_(None))
        .values(expires_at=until)
    )
    newest = (
        select(WebhookSecret.id)
        .where(col(WebhookSecret.webhook_id) == webhook_id)
        .order_by(col(WebhookSecret.id).desc())
        .limit(MAX_SECRETS - 1)
    )
    await session.exec(
        delete(WebhookSecret).where(
            col(WebhookSecret.webhook_id) == webhook_id, col(WebhookSecret.id).not_in(newest)
        )
    )
    session.add(WebhookSecret(id=secret_id, webhook_id=webhook_id, ciphertext=ciphertext, created_at=now))
    await session.flush()
    return until if replaced.rowcount else None


async def list_deliveries(
    session: AsyncSession,
    scope: GuildScope,
    webhook_id: UUID,
    *,
    state: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> Sequence[WebhookDelivery]:
    """Newest first. Raises NotFoundError."""
    webhook = await get_webhook(session, scope, webhook_id)
    query = select(WebhookDelivery).where(col(WebhookDelivery.webhook_id) == webhook.id)
    if state is not None:
        query = query.where(col(WebhookDelivery.state) == state)
    if before is not None:
        query = query.where(col(WebhookDelivery.event_id) < before)
    return (await session.exec(query.order_by(col(WebhookDelivery.event_id).desc()).limit(limit))).all()


async def insert_delivery(
    session: AsyncSession,
    scope: GuildScope,
    webhook: Webhook,
    *,
    kind: str,
    data: dict[str, Any],
    now: datetime,
) -> WebhookDelivery:
    """One message for one endpoint, whatever it asked for."""
    delivery = WebhookDelivery(
        webhook_id=webhook.id,
        event_id=new_id(),
        installation_id=webhook.installation_id,
        bot_id=scope.bot_id,
        guild_id=scope.guild_id,
        kind=kind,
        actor=shown_actor(scope.actor),
        data=data,
        next_attempt_at=now,
        created_at=now,
    )
    session.add(delivery)
    await session.flush()
    return delivery


async def replay_delivery(
    session: AsyncSession, scope: GuildScope, webhook_id: UUID, event_id: UUID, *, now: datetime
) -> WebhookDelivery:
    """Send a message again, under its own id, with all its attempts before it.

    Raises NotFoundError, or ConflictError while it is still being tried or its endpoint is disabled.
    """
    webhook = await get_webhook(session, scope, webhook_id)
    refuse_disabled(webhook)
    query = (
        select(WebhookDelivery)
        .where(col(WebhookDelivery.webhook_id) == webhook.id, col(WebhookDelivery.event_id) == event_id)
        .with_for_update()
    )
    delivery = (await session.exec(query)).one_or_none()
    if delivery is None:
        raise NotFoundError(code="webhooks.delivery_not_found")
    if delivery.state == "waiting":
        raise ConflictError(code="webhooks.under_way")
    delivery.state, delivery.attempts, delivery.next_attempt_at, delivery.claim = "waiting", 0, now, None
    session.add(delivery)
    await session.flush()
    return delivery


def refuse_disabled(webhook: Webhook) -> None:
    """Raises ConflictError (`webhooks.disabled`)."""
    if webhook.state != "enabled":
        raise ConflictError(code="webhooks.disabled")
