"""The webhooks of a server: where its events are posted to, and how that went."""

from typing import Annotated, Literal
from uuid import UUID

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from astero_api.features.webhooks import service
from astero_api.features.webhooks.schemas import (
    DeliveryOut,
    DeliveryPage,
    NewWebhookOut,
    SecretOut,
    WebhookIn,
    WebhookOut,
    WebhookPage,
    WebhookPatch,
)
from astero_api.web.context import context_of
from astero_api.web.limits import COSTLY, READ, WRITE
from astero_api.web.paging import Cursor, PageSize, cut, id_cursor
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.request import AnyRequest
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.features.webhooks.store import get_webhook, list_deliveries, list_webhooks
from astero_shared.scope import GuildScope

WebhookId = Annotated[UUID, PathParameter()]
DeliveryId = Annotated[UUID, PathParameter()]
DeliveryState = Annotated[
    Literal["waiting", "delivered", "failed"] | None,
    QueryParameter(name="state", description="Only deliveries in this state."),
]

_WEBHOOKS = "/api/bots/{bot_id:uuid}/guilds/{guild_id:str}/webhooks"
_WEBHOOK = f"{_WEBHOOKS}/{{webhook_id:uuid}}"
_DELIVERIES = f"{_WEBHOOK}/deliveries"
_READS = policy(permission=Permission.GUILD_MANAGER, limit=READ, audit=AuditClass.NONE)
_CHANGES = policy(permission=Permission.GUILD_MANAGER, limit=WRITE, audit=AuditClass.CHANGE)
_MAKES = policy(permission=Permission.GUILD_MANAGER, limit=WRITE, audit=AuditClass.CHANGE, refusals=(409,))
_SENDS = policy(permission=Permission.GUILD_MANAGER, limit=COSTLY, audit=AuditClass.CHANGE, refusals=(409,))


@get(_WEBHOOKS, opt=_READS)
async def list_guild_webhooks(
    guild: NamedDependency[GuildScope], unit: NamedDependency[UnitOfWork]
) -> WebhookPage:
    """The webhooks of the server, oldest first."""
    return WebhookPage(items=tuple(WebhookOut.of(row) for row in await list_webhooks(unit.session, guild)))


@post(_WEBHOOKS, opt=_MAKES)
async def create_guild_webhook(
    request: AnyRequest,
    guild: NamedDependency[GuildScope],
    unit: NamedDependency[UnitOfWork],
    data: JSONBody[WebhookIn],
) -> NewWebhookOut:
    """Have the server's events posted to a URL. The secret in the answer is not shown again."""
    settings = request.app.state.settings
    webhook, secret = await service.create_webhook(
        unit=unit,
        keyring=settings.encryption_key,
        allowance=settings.astero_ssrf_test_allow,
        scope=guild,
        command=data,
    )
    location = f"/api/bots/{guild.bot_id}/guilds/{guild.guild_id}/webhooks/{webhook.id}"
    context_of(request.scope).headers.append((b"location", location.encode()))
    return NewWebhookOut.made(webhook, secret)


@get(_WEBHOOK, opt=_READS)
async def get_guild_webhook(
    guild: NamedDependency[GuildScope], unit: NamedDependency[UnitOfWork], webhook_id: WebhookId
) -> WebhookOut:
    """One webhook."""
    return WebhookOut.of(await get_webhook(unit.session, guild, webhook_id))


@patch(_WEBHOOK, opt=_CHANGES)
async def patch_guild_webhook(
    request: AnyRequest,
    guild: NamedDependency[GuildScope],
    unit: NamedDependency[UnitOfWork],
    webhook_id: WebhookId,
    data: JSONBody[WebhookPatch],
) -> WebhookOut:
    """Change where it leads, what it is told, or whether it is told anything."""
    changed = await service.change_webhook(
        unit=unit,
        allowance=request.app.state.settings.astero_ssrf_test_allow,
        scope=guild,
        webhook_id=webhook_id,
        patch=data,
    )
    return WebhookOut.of(changed)


@delete(_WEBHOOK, status_code=204, opt=_CHANGES)
async def delete_guild_webhook(
    guild: NamedDependency[GuildScope], unit: NamedDependency[UnitOfWork], webhook_id: WebhookId
) -> None:
    """Delete a webhook with its log."""
    await service.delete_webhook(unit=unit, scope=guild, webhook_id=webhook_id)


@post(f"{_WEBHOOK}/secret", status_code=200, opt=_CHANGES)
async def rotate_webhook_secret(
    request: AnyRequest,
    guild: NamedDependency[GuildScope],
    unit: NamedDependency[UnitOfWork],
    webhook_id: WebhookId,
) -> SecretOut:
    """Make a new secret. The one before signs beside it for 24 hours."""
    secret, previous_until = await service.rotate_secret(
        unit=unit, keyring=request.app.state.settings.encryption_key, scope=guild, webhook_id=webhook_id
    )
    return SecretOut(secret=secret, previous_until=previous_until)


@post(f"{_WEBHOOK}/test", status_code=202, opt=_SENDS)
async def test_guild_webhook(
    guild: NamedDependency[GuildScope], unit: NamedDependency[UnitOfWork], webhook_id: WebhookId
) -> DeliveryOut:
    """Send a message of type `webhook.test`; how it went stands in the deliveries."""
    sent = await service.send_test(unit=unit, scope=guild, webhook_id=webhook_id)
    return DeliveryOut.of(sent)


@get(_DELIVERIES, opt=_READS)
async def list_webhook_deliveries(
    guild: NamedDependency[GuildScope],
    unit: NamedDependency[UnitOfWork],
    webhook_id: WebhookId,
    delivery_state: DeliveryState = None,
    cursor: Cursor = None,
    limit: PageSize = 50,
) -> DeliveryPage:
    """What the webhook was told in the last 30 days, newest first."""
    rows, more = cut(
        await list_deliveries(
            unit.session,
            guild,
            webhook_id,
            state=delivery_state,
            before=id_cursor(cursor),
            limit=limit + 1,
        ),
        limit,
    )
    return DeliveryPage(
        items=tuple(DeliveryOut.of(row) for row in rows),
        next_cursor=str(rows[-1].event_id) if more else None,
    )


@post(f"{_DELIVERIES}/{{delivery_id:uuid}}/replay", status_code=202, opt=_SENDS)
async def replay_webhook_delivery(
    guild: NamedDependency[GuildScope],
    unit: NamedDependency[UnitOfWork],
    webhook_id: WebhookId,
    delivery_id: DeliveryId,
) -> DeliveryOut:
    """Send a message again, under its own id."""
    delivery = await service.replay_delivery(
        unit=unit, scope=guild, webhook_id=webhook_id, delivery_id=delivery_id
    )
    return DeliveryOut.of(delivery)
