"""Setting webhooks through the API: what is taken, what is refused, and who sees what."""

import asyncio
from typing import Any

import httpx
import pytest
from support.api import browser
from support.consumer import Consumer
from support.stack import Database
from support.webhooks import Manager

from astero_api.web.edge import Edge

URL = "https://hooks.example.com/astero"
EVERY = ["case.edited", "case.opened", "server.removed", "server.restored", "settings.changed"]


async def test_a_secret_is_shown_once_and_sealed_in_the_database(manager: Manager) -> None:
    made = await manager.create("https://Hooks.Example.com:443/astero", description="Ops")
    assert made["url"] == URL
    assert made["events"] == EVERY
    assert made["enabled"] is True
    assert made["secret"].startswith("whsec_")
    shown = await manager.look(made)
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    (row,) = manager.ask("SELECT ciphertext FROM webhook_secrets")
    assert made["secret"].removeprefix("whsec_").encode() not in row["ciphertext"]
    log = manager.ask("SELECT row_to_json(audit_entries)::text AS row FROM audit_entries")
    assert any("webhook:endpoint:created" in entry["row"] for entry in log)
    assert not any(made["secret"] in entry["row"] or "/astero" in entry["row"] for entry in log)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://db.internal/",
        "x" * 5000,
    ],
)
async def test_every_forbidden_url_gets_the_same_answer(manager: Manager, url: str) -> None:
    made = await manager.create(URL)
    for answer in (
        await manager.client.post(f"{manager.guild}/webhooks", json={"url": url}),
        await manager.client.patch(manager.at(made), json={"url": url}),
    ):
        body = answer.json()
        assert (answer.status_code, body["code"]) == (422, "webhooks.url_forbidden")
        assert body["errors"] == [
            {"pointer": "/url", "code": "webhooks.url_forbidden", "detail": body["detail"]}
        ]
        assert body["detail"] == (
            "This address cannot be used: give an https address with a public DNS name, on port 443 or 8443."
        )
    assert (await manager.look(made))["url"] == URL


async def test_no_name_is_looked_up_when_a_url_is_saved(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_asks(*_: Any, **__: Any) -> None:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr("socket.getaddrinfo", nobody_asks)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nobody_asks)
    await manager.create("https://nobody-has-this-name.example.com/")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/url"),
        ({"url": 7}, "/url"),
        ({"url": URL, "events": []}, "/events"),
        ({"url": URL, "events": ["case.exploded"]}, "/events/0"),
        ({"url": URL, "description": ""}, "/description"),
        ({"url": URL, "description": "x" * 101}, "/description"),
        ({"url": URL, "description": "a\u202eb"}, "/description"),
        ({"url": URL, "secret": "mine"}, "/secret"),
    ],
)
async def test_what_is_no_webhook_is_pointed_at(manager: Manager, body: dict[str, Any], pointer: str) -> None:
    answer = await manager.client.post(f"{manager.guild}/webhooks", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_server_has_ten_at_most_also_when_they_come_at_once(manager: Manager) -> None:
    answers = await asyncio.gather(
        *(manager.client.post(f"{manager.guild}/webhooks", json={"url": f"{URL}/{n}"}) for n in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [409] * 2
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] == "webhooks.too_many"
    items = (await manager.client.get(f"{manager.guild}/webhooks")).json()["items"]
    assert len(items) == 10


async def test_changing_and_deleting(manager: Manager) -> None:
    made = await manager.create(URL)
    changed = await manager.client.patch(
        manager.at(made), json={"url": f"{URL}/2", "events": ["case.opened"], "description": "Second"}
    )
    body = changed.json()
    assert (body["url"], body["events"], body["description"]) == (f"{URL}/2", ["case.opened"], "Second")
    assert body["updatedAt"] > made["updatedAt"]
    off = await manager.client.patch(manager.at(made), json={"enabled": False, "description": None})
    assert (off.json()["enabled"], off.json()["disabledReason"]) == (False, "by_hand")
    assert off.json()["description"] is None
    for path in ("/test",):
        refused = await manager.client.post(manager.at(made, path))
        assert (refused.status_code, refused.json()["code"]) == (409, "webhooks.disabled")
    on = await manager.client.patch(manager.at(made), json={"enabled": True})
    assert (on.json()["enabled"], on.json()["disabledReason"], on.json()["disabledAt"]) == (True, None, None)
    assert (await manager.client.delete(manager.at(made))).status_code == 204
    assert (await manager.client.get(manager.at(made))).json()["code"] == "webhooks.not_found"
    assert manager.ask("SELECT 1 FROM webhook_secrets") == []
    actions = manager.ask(
        "SELECT action FROM audit_entries WHERE starts_with(action, 'webhook:') ORDER BY id"
    )
    assert [row["action"].removeprefix("webhook:") for row in actions] == [
        "endpoint:created",
        "endpoint:updated",
        "endpoint:updated",
        "endpoint:updated",
        "endpoint:deleted",
    ]


async def test_a_change_that_changes_nothing_is_none(manager: Manager) -> None:
    made = await manager.create(URL, events=["case.opened"])
    same = {"url": URL, "events": ["case.opened"], "enabled": True}
    assert (await manager.client.patch(manager.at(made), json=same)).json()["updatedAt"] == made["updatedAt"]


async def test_another_servers_webhooks_do_not_exist(manager: Manager, database: Database, api: Edge) -> None:
    mine = await manager.create(URL)
    sent = (await manager.client.post(manager.at(mine, "/test"))).json()
    async with browser(api, address="203.0.113.8") as theirs:
        other = await Manager.settle_in(
            theirs, database, email="bea@example.com", application_id=2, guild_id=manager.guild_id + 1
        )
        assert (await theirs.get(f"{manager.guild}/webhooks")).status_code == 404
        there = f"{other.guild}/webhooks/{mine['id']}"
        answers = [
            await theirs.get(there),
            await theirs.patch(there, json={"enabled": False}),
            await theirs.delete(there),
            await theirs.post(f"{there}/test"),
            await theirs.post(f"{there}/secret"),
            await theirs.get(f"{there}/deliveries"),
            await theirs.post(f"{there}/deliveries/{sent['id']}/replay"),
        ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {
        (404, "webhooks.not_found")
    }
    assert (await manager.look(mine))["enabled"] is True


async def test_hidden_with_their_server_and_back_with_it(manager: Manager, consumer: Consumer) -> None:
    made = await manager.create(consumer.url)
    assert (await manager.client.delete(manager.guild)).status_code == 204
    for path in ("/webhooks", f"/webhooks/{made['id']}", f"/webhooks/{made['id']}/deliveries"):
        answer = await manager.client.get(f"{manager.guild}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "installations.not_found")
    assert (await manager.client.post(f"{manager.guild}/restore")).status_code == 200
    assert await manager.look(made) == {name: value for name, value in made.items() if name != "secret"}


async def test_somebody_who_is_not_signed_in_learns_nothing(manager: Manager, api: Edge) -> None:
    made = await manager.create(URL)
    async with browser(api, address="203.0.113.9") as stranger:
        answers: list[httpx.Response] = [
            await stranger.get(f"{manager.guild}/webhooks"),
            await stranger.post(f"{manager.guild}/webhooks", json={"url": URL}),
            await stranger.post(manager.at(made, "/secret")),
        ]
    assert {answer.status_code for answer in answers} == {401}
