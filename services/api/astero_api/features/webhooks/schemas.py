"""Webhooks as a server's managers set and see them. A secret is shown once, when it is made."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from astero_shared.features.webhooks.events import EventKind
from astero_shared.features.webhooks.tables import Webhook, WebhookDelivery
from astero_shared.observability.masking import Masked

EVERYTHING = tuple(EventKind)
# Its length is checked with the rest of it, and refused with the same words: outbound.urls.
Url = Annotated[
    str,
    Meta(
        description="https, a public DNS name, port 443 or 8443, at most 2048 characters.",
        examples=["https://hooks.example.com/astero"],
    ),
]
Events = Annotated[tuple[EventKind, ...], Meta(min_length=1, max_length=len(EVERYTHING))]
Description = Annotated[str, Meta(min_length=1, max_length=100)]


class WebhookIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Without `events` it is told every kind there is."""

    url: Url
    events: Events = EVERYTHING
    description: Description | None = None


class WebhookPatch(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is not given stays. Disabling gives up what was still to be sent; `null` clears the text."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET


class WebhookOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`disabledReason` is by_hand, gone (it answered 410), failing or blocked (it led to our own side)."""

    id: UUID
    url: str
    description: str | None
    events: tuple[str, ...]
    enabled: bool
    disabled_reason: str | None
    disabled_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: Webhook) -> "WebhookOut":
        return WebhookOut(**_fields(row))


class NewWebhookOut(WebhookOut, frozen=True, kw_only=True, rename="camel"):
    """`secret` verifies what is sent (Standard Webhooks); it is not shown again."""

    secret: str

    @classmethod
    def made(cls, row: Webhook, secret: str) -> "NewWebhookOut":
        return cls(**_fields(row), secret=secret)

    def __repr__(self) -> str:
        return f"NewWebhookOut(id={self.id}, secret='***')"


class SecretOut(Masked, frozen=True, kw_only=True, rename="camel"):
    """The new secret, not shown again. The one before signs beside it until `previousUntil`."""

    secret: str
    previous_until: datetime | None


class WebhookPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All of them: a server has ten at most."""

    items: tuple[WebhookOut, ...]


class DeliveryOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`state` is waiting, delivered or failed.

    `outcome` and what follows it tell of the last attempt: delivered, refused, gone, timeout, unreachable,
    too_large, blocked, disabled or unsigned. `answer` is the beginning of what the endpoint said.
    """

    id: UUID
    message_id: str
    type: str
    data: dict[str, Any]
    state: str
    attempts: int
    next_attempt_at: datetime | None
    outcome: str | None
    status: int | None
    latency_ms: int | None
    answer: str | None
    created_at: datetime
    attempted_at: datetime | None

    @classmethod
    def of(cls, row: WebhookDelivery) -> "DeliveryOut":
        return cls(
            id=row.event_id,
            message_id=message_id(row.event_id),
            type=row.kind,
            data=row.data,
            state=row.state,
            attempts=row.attempts,
            next_attempt_at=row.next_attempt_at if row.state == "waiting" else None,
            outcome=row.outcome,
            status=row.status,
            latency_ms=row.latency_ms,
            answer=row.answer,
            created_at=row.created_at,
            attempted_at=row.attempted_at,
        )


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Newest first; 30 days are kept."""

    items: tuple[DeliveryOut, ...]
    next_cursor: str | None


def _fields(row: Webhook) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "description": row.description,
        "events": tuple(row.events),
        "enabled": row.state == "enabled",
        "disabled_reason": row.disabled_reason,
        "disabled_at": row.disabled_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def message_id(event_id: UUID) -> str:
    """The `webhook-id` of a message: the same in every attempt."""
    return f"msg_{event_id.hex}"
