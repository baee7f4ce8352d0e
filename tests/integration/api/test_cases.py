"""The case log through the API: opening, reading, editing, and what is refused."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from support.api import browser, log_in, register
from support.hosting import GUILD, insert_bot, insert_installation
from support.stack import Database

from astero_api.web.edge import Edge

TARGET = "1100000000000000009"


@dataclass(frozen=True)
class Log:
    client: httpx.AsyncClient
    bot_id: UUID
    user_id: str

    @property
    def guild(self) -> str:
        return f"/api/bots/{self.bot_id}/guilds/{GUILD}"

    async def open(self, **fields: Any) -> httpx.Response:
        body = {"action": "warn", "targetId": TARGET} | fields
        return await self.client.post(f"{self.guild}/cases", json=body)


@pytest.fixture
async def log(client: httpx.AsyncClient, database: Database) -> Log:
    user = await register(client)
    await log_in(client)
    bot_id = insert_bot(database.admin, user["id"])
    insert_installation(database.admin, bot_id)
    return Log(client, bot_id, user["id"])


async def test_a_case_is_opened_pending_and_can_be_read(log: Log) -> None:
    opened = await log.open(
        action="timeout", reason="  spam ", internalNote="second time", durationSeconds=600
    )
    assert opened.status_code == 201
    case = opened.json()
    assert opened.headers["location"] == f"{log.guild}/cases/1"
    assert case["number"] == 1
    assert case["state"] == "pending"
    assert case["source"] == "api"
    assert case["moderator"]["id"] == log.user_id
    assert case["target"] == {"id": TARGET, "name": None}
    assert (case["reason"], case["internalNote"], case["durationSeconds"]) == ("spam", "second time", 600)
    assert case["expiresAt"] > case["createdAt"]
    assert (await log.client.get(f"{log.guild}/cases/1")).json() == case


async def test_a_timeout_without_a_duration_takes_the_servers(log: Log) -> None:
    await log.client.patch(f"{log.guild}/modules/cases", json={"defaultTimeoutMinutes": 7})
    assert (await log.open(action="timeout")).json()["durationSeconds"] == 420


async def test_numbers_have_no_gap_also_when_many_come_at_once(log: Log) -> None:
    answers = await asyncio.gather(*(log.open(reason=str(n)) for n in range(12)))
    assert sorted(answer.json()["number"] for answer in answers) == list(range(1, 13))


async def test_the_list_filters_and_pages(log: Log) -> None:
    for position in range(5):
        await log.open(action="note" if position % 2 else "warn", targetId=str(int(TARGET) + position % 2))
    first = (await log.client.get(f"{log.guild}/cases?limit=2")).json()
    assert [case["number"] for case in first["items"]] == [5, 4]
    second = (await log.client.get(f"{log.guild}/cases?limit=3&cursor={first['nextCursor']}")).json()
    assert [case["number"] for case in second["items"]] == [3, 2, 1]
    assert second["nextCursor"] is None
    notes = (await log.client.get(f"{log.guild}/cases?action=note")).json()["items"]
    assert [case["number"] for case in notes] == [4, 2]
    about = (await log.client.get(f"{log.guild}/cases?targetId={TARGET}")).json()["items"]
    assert [case["number"] for case in about] == [5, 3, 1]
    mine = (await log.client.get(f"{log.guild}/cases?moderatorId={log.user_id}")).json()["items"]
    assert len(mine) == 5


async def test_words_can_be_edited_and_facts_cannot(log: Log) -> None:
    await log.open(reason="first", internalNote="note")
    await log.open()
    path = f"{log.guild}/cases/2"
    edited = await log.client.patch(path, json={"reason": "better", "related": [1, 1]})
    assert edited.status_code == 200
    assert (edited.json()["reason"], edited.json()["related"]) == ("better", [1])
    cleared = await log.client.patch(f"{log.guild}/cases/1", json={"internalNote": None})
    assert (cleared.json()["internalNote"], cleared.json()["reason"]) == (None, "first")
    assert (await log.client.patch(path, json={"action": "ban"})).status_code == 422
    assert (await log.client.patch(f"{log.guild}/cases/99", json={})).status_code == 404


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"action": "purge"}, "/action"),
        ({"action": "delete"}, "/action"),
        ({"targetId": "nobody"}, "/targetId"),
        ({"targetId": 1100000000000000009}, "/targetId"),
        ({"reason": "x" * 513}, "/reason"),
        ({"reason": "a\u2028b"}, "/reason"),
        ({"internalNote": "x" * 2001}, "/internalNote"),
        ({"action": "timeout", "durationSeconds": 28 * 86_400 + 1}, "/durationSeconds"),
        ({"action": "timeout", "durationSeconds": 59}, "/durationSeconds"),
        ({"action": "kick", "durationSeconds": 60}, "/durationSeconds"),
        ({"related": [41]}, "/related"),
        ({"number": 7}, "/number"),
    ],
)
async def test_what_a_case_may_not_be(log: Log, fields: dict[str, Any], pointer: str) -> None:
    answer = await log.open(**fields)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["errors"][0]["pointer"] == pointer
    assert (await log.client.get(f"{log.guild}/cases")).json()["items"] == []


async def test_a_required_reason_is_required_here_too(log: Log) -> None:
    await log.client.patch(f"{log.guild}/modules/cases", json={"requireReason": True})
    refused = await log.open(reason="   ")
    assert (refused.status_code, refused.json()["code"]) == (422, "cases.reason_missing")
    assert (await log.open(reason="because")).json()["number"] == 1


async def test_strangers_see_no_case(log: Log, api: Edge) -> None:
    await log.open()
    async with browser(api) as stranger:
        assert (await stranger.get(f"{log.guild}/cases/1")).status_code == 401
        await register(stranger, "bea@example.com")
        await log_in(stranger, "bea@example.com")
        for path in ("cases", "cases/1", "audit"):
            assert (await stranger.get(f"{log.guild}/{path}")).status_code == 404


async def test_the_audit_log_tells_who_did_what(log: Log) -> None:
    await log.open(reason="first")
    await log.client.patch(f"{log.guild}/cases/1", json={"reason": "second"})
    await log.client.patch(f"{log.guild}/modules/automod", json={"caps": {"enabled": True}})
    page = (await log.client.get(f"{log.guild}/audit?limit=2")).json()
    rest = (await log.client.get(f"{log.guild}/audit?cursor={page['nextCursor']}")).json()
    entries = page["items"] + rest["items"]
    assert [entry["action"] for entry in entries] == [
        "module:config:updated",
        "case:case:edited",
        "case:case:opened",
    ]
    assert {entry["actor"]["id"] for entry in entries} == {log.user_id}
    assert entries[1]["details"] == {"changed": ["reason"]}
