"""From an event to a consumer over TLS: signed as its library wants it, once, again, and never for ever."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook, WebhookVerificationError
from support.consumer import Answer, Authority, Call, Consumer, plain
from support.log_capture import captured_log
from support.webhooks import Manager, carrying, emit

from astero_api.features.webhooks.jobs import Courier
from astero_api.mail.outbox import seal_with
from astero_api.settings import ApiSettings
from astero_shared.outbound.ssrf import create_stranger_client
from astero_shared.settings import load

MakeCourier = Callable[..., Courier]


@pytest.fixture
async def courier(
    api_environment: dict[str, str], as_api: AsyncEngine, authority: Authority
) -> AsyncIterator[MakeCourier]:
    """Couriers as the worker runs them, but in this process; certificates are checked."""
    settings = load(ApiSettings, api_environment)
    seal_with(as_api, settings.encryption_key)
    async with AsyncExitStack() as stack:
        clients: list[httpx.AsyncClient] = []

        def make(*, total_seconds: float = 60.0) -> Courier:
            client = create_stranger_client(
                allowance=settings.astero_ssrf_test_allow,
                tls=authority.client,
                total_seconds=total_seconds,
            )
            stack.push_async_callback(client.aclose)
            clients.append(client)
            return Courier(as_api, settings.encryption_key, client)

        yield make


async def settled(
    manager: Manager, webhook: dict[str, Any], *, attempts: int = 1, delivery_id: str | None = None
) -> dict[str, Any]:
    """The newest delivery, or the one named, once that many attempts are written down."""
    async with asyncio.timeout(60):
        while True:
            found = await manager.deliveries(webhook)
            one = next(one for one in found if delivery_id in {one["id"], None})
            (row,) = manager.ask(
                "SELECT claim, attempts, attempted_at FROM webhook_deliveries"
                " WHERE webhook_id = %s AND event_id = %s",
                *(webhook["id"], one["id"]),
            )
            if row["claim"] is None and row["attempts"] == attempts and row["attempted_at"] is not None:
                # what was read before may be older than this
                found = await manager.deliveries(webhook)
                return next(again for again in found if again["id"] == one["id"])
            await asyncio.sleep(0.05)


def letters(manager: Manager) -> int:
    return manager.ask("SELECT count(*) AS written FROM mails")[0]["written"]


def verified(secret: str, call: Call) -> Any:
    """What the specification's own library makes of it."""
    return Webhook(secret).verify(call.body, call.headers)


async def test_an_event_arrives_signed(
    manager: Manager, consumer: Consumer, courier: MakeCourier, as_engine: AsyncEngine
) -> None:
    made = await manager.create(consumer.url, events=["case.edited"])
    event_id = await emit(as_engine, manager.scope)
    async with carrying(courier()):
        await consumer.wait_for(1)
        delivery = await settled(manager, made)
    (call,) = consumer.calls
    assert call.line == "POST /hook HTTP/1.1"
    assert call.headers["content-type"] == "application/json"
    assert call.headers["webhook-id"] == f"msg_{event_id.hex}" == delivery["messageId"]
    message = verified(made["secret"], call)
    assert message["type"] == "case.edited"
    assert message["timestamp"] == delivery["createdAt"]
    assert message["data"] == {
        "botId": str(manager.bot_id),
        "guildId": str(manager.guild_id),
        "actor": {"kind": "system", "id": "astero"},
        "number": 1,
        "changed": ["reason"],
    }
    assert (delivery["state"], delivery["outcome"], delivery["status"], delivery["answer"]) == (
        "delivered",
        "delivered",
        200,
        "ok",
    )
    assert delivery["latencyMs"] >= 0
    with pytest.raises(WebhookVerificationError):
        verified(made["secret"], Call(call.line, call.headers, call.body.replace(b"reason", b"season")))


async def test_nobody_is_told_what_he_did_not_ask_for(
    manager: Manager, consumer: Consumer, as_engine: AsyncEngine
) -> None:
    await manager.create(consumer.url, events=["case.opened"])
    off = await manager.create(consumer.url)
    await manager.client.patch(manager.at(off), json={"enabled": False})
    await emit(as_engine, manager.scope)
    assert manager.ask("SELECT 1 FROM webhook_deliveries") == []


async def test_an_event_of_a_transaction_that_fails_is_none(manager: Manager, consumer: Consumer) -> None:
    await manager.create(consumer.url)
    body = {"action": "warn", "targetId": "1100000000000000009", "related": [7]}
    assert (await manager.client.post(f"{manager.guild}/cases", json=body)).status_code == 422
    assert manager.ask("SELECT 1 FROM webhook_deliveries") == []


async def test_two_workers_at_once_deliver_each_message_once(
    manager: Manager, consumer: Consumer, courier: MakeCourier, as_engine: AsyncEngine
) -> None:
    made = await manager.create(consumer.url)
    for _ in range(20):
        await emit(as_engine, manager.scope)
    async with carrying(courier()), carrying(courier()):
        await consumer.wait_for(20, seconds=60)
        for delivery in await manager.deliveries(made):
            await settled(manager, made, delivery_id=delivery["id"])
    assert len({call.headers["webhook-id"] for call in consumer.calls}) == len(consumer.calls) == 20
    # two by two: each worker calls one network with two calls at once
    assert consumer.busiest <= 4


async def test_a_test_message_reaches_whoever_asked_for_something_else(
    manager: Manager, consumer: Consumer, courier: MakeCourier
) -> None:
    made = await manager.create(consumer.url, events=["server.removed"])
    sent = await manager.client.post(manager.at(made, "/test"))
    assert sent.status_code == 202
    assert (sent.json()["state"], sent.json()["type"]) == ("waiting", "webhook.test")
    async with carrying(courier()):
        await consumer.wait_for(1)
    message = verified(made["secret"], consumer.calls[0])
    assert (message["type"], message["data"]["test"]) == ("webhook.test", True)
    assert message["data"]["actor"] == {"kind": "user", "id": manager.user_id}


async def test_after_a_rotation_both_secrets_are_good_for_a_day(
    manager: Manager, consumer: Consumer, courier: MakeCourier, as_engine: AsyncEngine
) -> None:
    made = await manager.create(consumer.url)
    rotated = await manager.client.post(manager.at(made, "/secret"))
    assert rotated.status_code == 200
    old, new = made["secret"], rotated.json()["secret"]
    assert old != new
    await emit(as_engine, manager.scope)
    async with carrying(courier()):
        await consumer.wait_for(1)
        await settled(manager, made)
        assert verified(old, consumer.calls[0]) == verified(new, consumer.calls[0])
        first, second = consumer.calls[0].headers["webhook-signature"].split(" ")
        assert first.startswith("v1,")
        assert second.startswith("v1,")
        manager.ask("UPDATE webhook_secrets SET expires_at = now() WHERE expires_at IS NOT NULL")
        await emit(as_engine, manager.scope)
        await consumer.wait_for(2)
    assert verified(new, consumer.calls[1])
    with pytest.raises(WebhookVerificationError):
        verified(old, consumer.calls[1])


async def test_rotating_again_and_again_keeps_three_at_most(manager: Manager, consumer: Consumer) -> None:
    made = await manager.create(consumer.url)
    for _ in range(4):
        await manager.client.post(manager.at(made, "/secret"))
    rows = manager.ask("SELECT expires_at - now() AS rest FROM webhook_secrets ORDER BY id")
    assert len(rows) == 3
    assert rows[-1]["rest"] is None
    assert all(timedelta(hours=23) < row["rest"] <= timedelta(hours=24) for row in rows[:-1])


async def test_a_failure_is_tried_again_with_the_same_id_and_body(
    manager: Manager, consumer: Consumer, courier: MakeCourier, as_engine: AsyncEngine
) -> None:
    consumer.answers = [
        plain(500, body=b"\0\xffno"),
        plain(302, "Location: https://127.0.0.1/"),
        plain(204, body=b""),
    ]
    made = await manager.create(consumer.url)
    await emit(as_engine, manager.scope)
    async with carrying(courier()):
        first = await settled(manager, made)
        assert (first["state"], first["outcome"], first["status"]) == ("waiting", "refused", 500)
        assert first["answer"] == "\ufffd\ufffdno"
        wait = manager.ask("SELECT next_attempt_at - attempted_at AS wait FROM webhook_deliveries")[0]["wait"]
        assert timedelta(seconds=4.5) <= wait <= timedelta(seconds=5.5)
        manager.make_due()
        second = await settled(manager, made, attempts=2)
        assert (second["state"], second["outcome"], second["status"]) == ("waiting", "refused", 302)
        manager.make_due()
        third = await settled(manager, made, attempts=3)
        assert (third["state"], third["nextAttemptAt"]) == ("delivered", None)
    assert len({call.headers["webhook-id"] for call in consumer.calls}) == 1
    assert len({call.body for call in consumer.calls}) == 1
    assert all(verified(made["secret"], call) for call in consumer.calls)


async def test_gone_disables_at_once_and_gives_up_what_waits(
    manager: Manager, consumer: Consumer, courier: MakeCourier, as_engine: AsyncEngine
) -> None:
    consumer.answers = [plain(410)]
    before = letters(manager)
    made = await manager.create(consumer.url)
    later = await emit(as_engine, manager.scope)
    manager.ask("UPDATE webhook_deliveries SET next_attempt_at = now() + interval '1 hour'")
    await emit(as_engine, manager.scope)
    async with carrying(courier()):
        delivery = await settled(manager, made)
    assert (delivery["state"], delivery["outcome"]) == ("failed", "gone")
    shown = await manager.look(made)
    assert (shown["enabled"], shown["disabledReason"]) == (False, "gone")
    (waiting,) = [one for one in await manager.deliveries(made) if one["id"] == str(later)]
    assert (waiting["state"], waiting["outcome"], waiting["attempts"]) == ("failed", "disabled", 0)
    assert len(consumer.calls) == 1
    assert letters(manager) == before + 1
    told = manager.ask("SELECT details FROM audit_entries WHERE action = 'webhook:endpoint:disabled'")
    assert told == [{"details": {"host": "127.0.0.1", "reason": "gone"}}]


async def test_after_the_last_attempt_the_endpoint_is_disabled_and_the_owner_told(
    manager: Manager, consumer: Consumer, courier: MakeCourier, as_engine: AsyncEngine
) -> None:
    consumer.answers = [plain(500)]
    before = letters(manager)
    made = await manager.create(consumer.url)
    await emit(as_engine, manager.scope)
    manager.ask("UPDATE webhook_deliveries SET attempts = 8")
    async with carrying(courier()):
        ninth = await settled(manager, made, attempts=9)
        assert ninth["state"] == "waiting"
        assert (await manager.look(made))["enabled"] is True
        wait = manager.ask("SELECT next_attempt_at - attempted_at AS wait FROM webhook_deliveries")[0]["wait"]
        assert timedelta(hours=21.6) <= wait <= timedelta(hours=26.4)
        manager.make_due()
        last = await settled(manager, made, attempts=10)
    assert (last["state"], last["nextAttemptAt"]) == ("failed", None)
    shown = await manager.look(made)
    assert (shown["enabled"], shown["disabledReason"]) == (False, "failing")
    assert letters(manager) == before + 1


async def test_what_a_consumer_asks_for_is_waited(
    manager: Manager, consumer: Consumer, courier: MakeCourier, as_engine: AsyncEngine
) -> None:
    consumer.answers = [plain(429, "Retry-After: 120")]
    made = await manager.create(consumer.url)
    await emit(as_engine, manager.scope)
    async with carrying(courier()):
        await settled(manager, made)
    wait = manager.ask("SELECT next_attempt_at - attempted_at AS wait FROM webhook_deliveries")[0]["wait"]
    assert timedelta(seconds=119) < wait <= timedelta(seconds=120)


async def test_a_name_that_leads_inside_is_blocked_and_three_times_disables(
    manager: Manager,
    consumer: Consumer,
    as_api: AsyncEngine,
    as_engine: AsyncEngine,
    api_environment: dict[str, str],
) -> None:
    async def inside(_host: str, _port: int) -> list[Any]:
        return [ip_address("169.254.169.254")]

    settings = load(ApiSettings, api_environment)
    seal_with(as_api, settings.encryption_key)
    made = await manager.create("https://rebound.example.com/hook")
    await emit(as_engine, manager.scope)
    async with (
        create_stranger_client(resolve=inside) as client,
        carrying(Courier(as_api, settings.encryption_key, client)),
    ):
        with captured_log() as log:
            for attempt in (1, 2, 3):
                delivery = await settled(manager, made, attempts=attempt)
                assert (delivery["outcome"], delivery["status"], delivery["answer"]) == (
                    "blocked",
                    None,
                    None,
                )
                assert delivery["latencyMs"] == 0
                assert (await manager.look(made))["enabled"] is (attempt < 3)
                manager.make_due()
    assert (await manager.look(made))["disabledReason"] == "blocked"
    assert (await manager.deliveries(made))[0]["state"] == "failed"
    told = [line for line in log.lines if line.get("event") == "ssrf.refused"]
    assert [(line["webhook"], "ip" in line) for line in told] == [(made["id"], False)] * 3


async def silence(_call: Call, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)
    writer.close()


async def endless(_call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 8192)
        await writer.drain()


async def hang_up(_call: Call, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize(
    ("answer", "outcome", "seconds"),
    [(silence, "timeout", 1.0), (endless, "too_large", 60.0), (hang_up, "unreachable", 60.0)],
)
async def test_what_a_hostile_consumer_does_is_a_failure_like_any_other(
    manager: Manager,
    consumer: Consumer,
    courier: MakeCourier,
    as_engine: AsyncEngine,
    answer: Answer,
    outcome: str,
    seconds: float,
) -> None:
    consumer.answers = [answer]
    made = await manager.create(consumer.url)
    await emit(as_engine, manager.scope)
    async with carrying(courier(total_seconds=seconds)):
        delivery = await settled(manager, made)
    assert (delivery["state"], delivery["outcome"], delivery["status"]) == ("waiting", outcome, None)


async def test_what_was_given_up_can_be_sent_again_under_its_own_id(
    manager: Manager, consumer: Consumer, courier: MakeCourier, as_engine: AsyncEngine
) -> None:
    consumer.answers = [plain(410), plain(200)]
    made = await manager.create(consumer.url)
    event_id = await emit(as_engine, manager.scope)
    replay = manager.at(made, f"/deliveries/{event_id}/replay")
    assert (await manager.client.post(replay)).json()["code"] == "webhooks.under_way"
    async with carrying(courier()):
        await settled(manager, made)
        assert (await manager.client.post(replay)).json()["code"] == "webhooks.disabled"
        await manager.client.patch(manager.at(made), json={"enabled": True})
        again = await manager.client.post(replay)
        assert (again.status_code, again.json()["state"], again.json()["attempts"]) == (202, "waiting", 0)
        await consumer.wait_for(2)
        assert (await settled(manager, made))["state"] == "delivered"
    first, second = consumer.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == f"msg_{event_id.hex}"
    unknown = await manager.client.post(manager.at(made, f"/deliveries/{manager.bot_id}/replay"))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "webhooks.delivery_not_found")


async def test_a_secret_that_cannot_be_opened_sends_nothing_unsigned(
    manager: Manager, consumer: Consumer, courier: MakeCourier, as_engine: AsyncEngine
) -> None:
    made = await manager.create(consumer.url)
    manager.ask("UPDATE webhook_secrets SET ciphertext = overlay(ciphertext PLACING '\\x00' FROM 20)")
    await emit(as_engine, manager.scope)
    async with carrying(courier()):
        assert (await settled(manager, made))["outcome"] == "unsigned"
    assert consumer.calls == []


async def test_the_log_filters_and_pages(
    manager: Manager, consumer: Consumer, as_engine: AsyncEngine
) -> None:
    made = await manager.create(consumer.url)
    told = [str(await emit(as_engine, manager.scope)) for _ in range(3)]
    manager.ask("UPDATE webhook_deliveries SET state = 'delivered' WHERE event_id = %s", told[0])
    first = (await manager.client.get(manager.at(made, "/deliveries?limit=2"))).json()
    assert [one["id"] for one in first["items"]] == [told[2], told[1]]
    rest = (await manager.client.get(manager.at(made, f"/deliveries?cursor={first['nextCursor']}"))).json()
    assert ([one["id"] for one in rest["items"]], rest["nextCursor"]) == ([told[0]], None)
    done = (await manager.client.get(manager.at(made, "/deliveries?state=delivered"))).json()
    assert [one["id"] for one in done["items"]] == [told[0]]
    assert len(json.dumps(first)) < 20_000


async def test_an_endpoint_known_to_hang_holds_up_nobody_in_its_network(
    manager: Manager,
    consumer: Consumer,
    as_api: AsyncEngine,
    as_engine: AsyncEngine,
    authority: Authority,
    api_environment: dict[str, str],
) -> None:
    """Both stand behind one address, as consumers behind the same edge do."""

    async def by_path(call: Call, writer: asyncio.StreamWriter) -> None:
        await (silence if "/slow" in call.line else plain())(call, writer)

    consumer.answers = [by_path]
    slow = await manager.create(f"{consumer.url}/slow")
    manager.ask("UPDATE webhooks SET troubled_since = now()")
    for _ in range(4):
        await emit(as_engine, manager.scope)
    settings = load(ApiSettings, api_environment)
    allowance = settings.astero_ssrf_test_allow
    async with (
        create_stranger_client(allowance=allowance, tls=authority.client, total_seconds=60) as client,
        carrying(Courier(as_api, settings.encryption_key, client)),
    ):
        await consumer.wait_for(1)
        quick = await manager.create(f"{consumer.url}/quick")
        await manager.client.post(manager.at(quick, "/test"))
        assert (await settled(manager, quick))["state"] == "delivered"
    assert {one["state"] for one in await manager.deliveries(slow)} == {"waiting"}
    assert [call.line.split("/")[2][:5] for call in consumer.calls] == ["slow ", "quick"]
