"""Setting, changing and testing webhooks, and giving up on one; each with its audit row.

The audit log and mail name an endpoint by its host: its path may be a password of its own.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from msgspec import UNSET
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_api.features.webhooks.schemas import WebhookIn, WebhookPatch
from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.crypto.fields import seal
from astero_shared.crypto.keyring import Keyring
from astero_shared.crypto.signatures import new_webhook_secret, shown_secret
from astero_shared.features.webhooks import store
from astero_shared.features.webhooks.deliveries import Disabled, find_addressee, give_up_waiting
from astero_shared.features.webhooks.events import TEST_KIND
from astero_shared.features.webhooks.rules import DisabledReason
from astero_shared.features.webhooks.tables import Webhook, WebhookDelivery
from astero_shared.ids import new_id
from astero_shared.names import refuse_hidden
from astero_shared.outbound.urls import Allowance, check_url
from astero_shared.scope import SYSTEM, Actor, GuildScope


async def create_webhook(
    *, unit: UnitOfWork, keyring: Keyring, allowance: Allowance, scope: GuildScope, command: WebhookIn
) -> tuple[Webhook, str]:
    """The endpoint and its secret, which is shown this once.

    Raises UrlForbiddenError, InvalidError, ConflictError or NotFoundError.
    """
    url = check_url(command.url, allowance).url
    if command.description is not None:
        refuse_hidden(command.description, pointer="/description")
    webhook = await store.insert_webhook(
        unit.session,
        scope,
        webhook_id=new_id(),
        url=url,
        events=_kinds(command.events),
        description=command.description,
        created_by=UUID(scope.actor.id),
        now=utc_now(),
    )
    secret, _ = await _new_secret(unit, keyring, scope, webhook.id)
    await _audit(unit.session, scope.actor, webhook, AuditAction.WEBHOOK_CREATED, events=webhook.events)
    return webhook, secret


async def change_webhook(
    *, unit: UnitOfWork, allowance: Allowance, scope: GuildScope, webhook_id: UUID, patch: WebhookPatch
) -> Webhook:
    """Raises as create_webhook. What is the same already is no change."""
    changes: dict[str, Any] = {}
    if patch.url is not UNSET:
        changes["url"] = check_url(patch.url, allowance).url
    if patch.events is not UNSET:
        changes["events"] = _kinds(patch.events)
    if patch.description is not UNSET:
        if patch.description is not None:
            refuse_hidden(patch.description, pointer="/description")
        changes["description"] = patch.description
    webhook = await store.get_webhook(unit.session, scope, webhook_id, lock=True)
    now = utc_now()
    if patch.enabled is not UNSET and patch.enabled != (webhook.state == "enabled"):
        changes |= _enabled() if patch.enabled else _disabled(now)
    changes = {name: value for name, value in changes.items() if getattr(webhook, name) != value}
    if not changes:
        return webhook
    await store.update_webhook(unit.session, scope, webhook, changes=changes, now=now)
    if "state" in changes and webhook.state == "disabled":
        await give_up_waiting(unit.session, webhook.id, now=now)
    changed = sorted(changes.keys() & {"url", "events", "description", "state"})
    await _audit(unit.session, scope.actor, webhook, AuditAction.WEBHOOK_UPDATED, changed=changed)
    return webhook


async def delete_webhook(*, unit: UnitOfWork, scope: GuildScope, webhook_id: UUID) -> None:
    """With its secrets and its log. Raises NotFoundError."""
    webhook = await store.delete_webhook(unit.session, scope, webhook_id)
    await _audit(unit.session, scope.actor, webhook, AuditAction.WEBHOOK_DELETED)


async def rotate_secret(
    *, unit: UnitOfWork, keyring: Keyring, scope: GuildScope, webhook_id: UUID
) -> tuple[str, datetime | None]:
    """The new secret, shown this once, and until when the one before signs too. Raises NotFoundError."""
    webhook = await store.get_webhook(unit.session, scope, webhook_id)
    made = await _new_secret(unit, keyring, scope, webhook.id)
    await _audit(unit.session, scope.actor, webhook, AuditAction.WEBHOOK_SECRET_ROTATED)
    return made


async def send_test(*, unit: UnitOfWork, scope: GuildScope, webhook_id: UUID) -> WebhookDelivery:
    """A message that says it is a test. Raises NotFoundError or ConflictError."""
    webhook = await store.get_webhook(unit.session, scope, webhook_id)
    store.refuse_disabled(webhook)
    delivery = await store.insert_delivery(
        unit.session, scope, webhook, kind=TEST_KIND, data={"test": True}, now=utc_now()
    )
    await _audit(unit.session, scope.actor, webhook, AuditAction.WEBHOOK_TESTED)
    return delivery


async def replay_delivery(
    *, unit: UnitOfWork, scope: GuildScope, webhook_id: UUID, delivery_id: UUID
) -> WebhookDelivery:
    """Send a message again, under its own id. Raises NotFoundError or ConflictError."""
    delivery = await store.replay_delivery(unit.session, scope, webhook_id, delivery_id, now=utc_now())
    webhook = await store.get_webhook(unit.session, scope, webhook_id)
    await _audit(
        unit.session, scope.actor, webhook, AuditAction.WEBHOOK_REPLAYED, delivery=str(delivery.event_id)
    )
    return delivery


async def tell_of_end(session: AsyncSession, disabled: Disabled) -> None:
    """Nobody asked for it: the owner is told by mail, in the transaction that ends the endpoint."""
    webhook, reason = disabled.webhook, disabled.reason
    await _audit(session, SYSTEM, webhook, AuditAction.WEBHOOK_DISABLED, reason=reason.value)
    addressee = await find_addressee(session, webhook)
    if addressee is not None:
        await queue_mail(
            session,
            kind=MailKind.WEBHOOK_DISABLED,
            to=addressee.email,
            locale=addressee.locale,
            details={"server": addressee.server, "host": _host(webhook)},
        )


async def _new_secret(
    unit: UnitOfWork, keyring: Keyring, scope: GuildScope, webhook_id: UUID
) -> tuple[str, datetime | None]:
    secret, secret_id = new_webhook_secret(), new_id()
    sealed = seal(keyring, table="webhook_secrets", column="ciphertext", row=secret_id, plaintext=secret)
    until = await store.replace_secret(
        unit.session, scope, webhook_id, secret_id=secret_id, ciphertext=sealed, now=utc_now()
    )
    return shown_secret(secret), until


def _kinds(events: tuple[str, ...]) -> list[str]:
    return sorted({str(event) for event in events})


def _enabled() -> dict[str, Any]:
    return {
        "state": "enabled",
        "disabled_reason": None,
        "disabled_at": None,
        "blocked_attempts": 0,
        "troubled_since": None,
    }


def _disabled(now: datetime) -> dict[str, Any]:
    return {"state": "disabled", "disabled_reason": DisabledReason.BY_HAND.value, "disabled_at": now}


def _host(webhook: Webhook) -> str:
    return httpx.URL(webhook.url).host


async def _audit(
    session: AsyncSession, actor: Actor, webhook: Webhook, action: AuditAction, **details: Any
) -> None:
    await write_audit(
        session,
        actor=actor,
        action=action,
        bot_id=webhook.bot_id,
        guild_id=webhook.guild_id,
        target=str(webhook.id),
        details={"host": _host(webhook), **details},
    )
