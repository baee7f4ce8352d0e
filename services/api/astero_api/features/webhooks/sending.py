"""One attempt: the message as its endpoint gets it, and what its answer means."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import httpx
import msgspec

from astero_api.features.webhooks.schemas import message_id
from astero_shared.clock import utc_now
from astero_shared.crypto.signatures import signed_headers
from astero_shared.features.webhooks.deliveries import Taken
from astero_shared.features.webhooks.rules import MAX_ANSWER, Attempt, Outcome, outcome_of, wait_asked_for
from astero_shared.observability.security_events import log_security_event
from astero_shared.outbound.dialing import (
    ASIDE,
    PER_SITE,
    AnswerTooLargeError,
    BlockedError,
    CrowdedError,
)

_JSON: Final = {"content-type": "application/json"}


def message_body(taken: Taken) -> bytes:
    """The same bytes in every attempt: keys in the order in which PostgreSQL keeps them."""
    return msgspec.json.encode(
        {
            "type": taken.kind,
            "timestamp": taken.created_at,
            "data": {
                "botId": str(taken.bot_id),
                "guildId": str(taken.guild_id),
                "actor": taken.actor,
                **taken.data,
            },
        }
    )


async def attempt_delivery(client: httpx.AsyncClient, taken: Taken, secrets: Sequence[bytes]) -> Attempt:
    """Raises CrowdedError: nothing was tried, and it may be in a moment."""
    now, body = utc_now(), message_body(taken)
    headers = signed_headers(secrets, message_id=message_id(taken.event_id), at=now, body=body)
    begun = time.monotonic()
    try:
        answer = await client.post(
            taken.url,
            content=body,
            headers=_JSON | headers,
            extensions={"per_site": ASIDE if taken.troubled else PER_SITE},
        )
    except CrowdedError:
        raise
    except BlockedError:
        log_security_event(
            "ssrf.refused",
            ip=None,
            webhook=str(taken.webhook_id),
            bot=str(taken.bot_id),
            guild=str(taken.guild_id),
        )
        # how long the look-up took is nobody's business
        return Attempt(outcome=Outcome.BLOCKED, latency=timedelta(0))
    except AnswerTooLargeError:
        return Attempt(outcome=Outcome.TOO_LARGE, latency=_since(begun))
    except httpx.TimeoutException:
        return Attempt(outcome=Outcome.TIMEOUT, latency=_since(begun))
    except (httpx.TransportError, httpx.InvalidURL):
        return Attempt(outcome=Outcome.UNREACHABLE, latency=_since(begun))
    return Attempt(
        outcome=outcome_of(answer.status_code),
        latency=_since(begun),
        status=answer.status_code,
        answer=_beginning(answer.content),
        retry_after=wait_asked_for(answer.status_code, answer.headers.get("retry-after"), now=now),
    )


def _since(begun: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - begun)


def _beginning(content: bytes) -> str:
    """Text that can be stored and shown; what is none becomes question marks."""
    text = content[:MAX_ANSWER].decode(errors="replace")
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
