"""What happens in a server is told in the transaction in which it happens, through whichever door it came."""

import asyncio
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from support.api import browser
from support.hosting import insert_installation
from support.stack import Database
from support.webhooks import Manager

from astero_api.web.edge import Edge
from astero_shared.db.session import transaction
from astero_shared.features.cases.service import open_case
from astero_shared.features.cases.store import CaseDraft
from astero_shared.features.installations.service import remove_guild, restore_guild
from astero_shared.features.webhooks.events import SettingsChanged
from astero_shared.features.webhooks.outbox import COLUMNS, emit_event

URL = "https://hooks.example.com/astero"
TARGET = "1100000000000000009"
SAID = "canary-words-of-a-person"


def told(manager: Manager) -> list[dict[str, Any]]:
    return manager.ask("SELECT * FROM webhook_deliveries ORDER BY event_id")


async def test_cases_and_settings_of_the_dashboard(manager: Manager) -> None:
    await manager.create(URL)
    body = {
        "action": "timeout",
        "targetId": TARGET,
        "reason": SAID,
        "internalNote": SAID,
        "durationSeconds": 600,
    }
    assert (await manager.client.post(f"{manager.guild}/cases", json=body)).status_code == 201
    changed = {"reason": f"{SAID} again", "internalNote": None}
    assert (await manager.client.patch(f"{manager.guild}/cases/1", json=changed)).status_code == 200
    settings = {"words": {"enabled": True, "words": [SAID]}}
    assert (await manager.client.patch(f"{manager.guild}/modules/automod", json=settings)).status_code == 200
    # what changes nothing tells nothing
    assert (await manager.client.patch(f"{manager.guild}/modules/automod", json=settings)).status_code == 200
    assert (await manager.client.patch(f"{manager.guild}/cases/1", json=changed)).status_code == 200
    rows = told(manager)
    assert [(row["kind"], row["actor"]) for row in rows] == [
        (kind, {"kind": "user", "id": manager.user_id})
        for kind in ("case.opened", "case.edited", "settings.changed")
    ]
    opened, edited, settings_changed = (row["data"] for row in rows)
    assert opened.pop("expiresAt") > "2026"
    assert opened == {
        "number": 1,
        "action": "timeout",
        "source": "api",
        "rule": None,
        "targetId": TARGET,
        "moderatorId": manager.user_id,
        "durationSeconds": 600,
    }
    assert edited == {"number": 1, "changed": ["internal_note", "reason"]}
    assert settings_changed == {"module": "automod", "revision": 1, "changed": ["words"], "restored": None}
    assert SAID not in repr(rows)


async def test_a_restored_revision_says_which(manager: Manager) -> None:
    automod = f"{manager.guild}/modules/automod"
    for enabled in (True, False):
        await manager.client.patch(automod, json={"caps": {"enabled": enabled}})
    await manager.create(URL, events=["settings.changed"])
    restored = await manager.client.post(f"{automod}/revisions/1/restore")
    assert restored.status_code == 200, restored.text
    (row,) = told(manager)
    assert row["data"] == {"module": "automod", "revision": 3, "changed": ["caps"], "restored": 1}


async def test_removal_and_return_from_the_dashboard(manager: Manager) -> None:
    await manager.create(URL)
    assert (await manager.client.delete(manager.guild)).status_code == 204
    assert (await manager.client.delete(manager.guild)).status_code == 204
    for _ in range(2):
        assert (await manager.client.post(f"{manager.guild}/restore")).status_code == 200
    removed, restored = told(manager)
    assert (removed["kind"], restored["kind"]) == ("server.removed", "server.restored")
    assert removed["data"]["restorableUntil"] > "2026"
    assert restored["data"] == {}


async def test_the_engine_tells_with_its_own_narrow_rights(manager: Manager, as_engine: AsyncEngine) -> None:
    made = await manager.create(URL)
    draft = CaseDraft(
        action="ban", source="command", target_id=int(TARGET), moderator_id="5", reason=SAID, related=()
    )
    async with transaction(as_engine) as session:
        await open_case(session=session, scope=manager.scope, draft=draft)
    async with transaction(as_engine) as session:
        await remove_guild(session=session, scope=manager.scope, by="discord")
    async with transaction(as_engine) as session:
        await restore_guild(session=session, scope=manager.scope)
    assert [row["kind"] for row in told(manager)] == ["case.opened", "server.removed", "server.restored"]
    for statement in (
        "SELECT url FROM webhooks",
        "SELECT ciphertext FROM webhook_secrets",
        "SELECT data FROM webhook_deliveries",
        "UPDATE webhook_deliveries SET state = 'delivered'",
        "DELETE FROM webhook_deliveries",
    ):
        assert denied(manager.database, statement), statement
    assert made["id"]


def denied(database: Database, statement: str) -> bool:

    with psycopg.connect(database.bot_engine) as connection:
        try:
            connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]
        except psycopg.errors.InsufficientPrivilege:
            return True
    return False


async def test_two_removals_at_once_tell_once(manager: Manager, as_engine: AsyncEngine) -> None:
    await manager.create(URL)

    async def remove() -> None:
        async with transaction(as_engine) as session:
            await remove_guild(session=session, scope=manager.scope, by="discord")

    await asyncio.gather(remove(), remove(), manager.client.delete(manager.guild))
    assert [row["kind"] for row in told(manager)] == ["server.removed"]


async def test_a_server_that_is_left_blank_but_for_a_webhook_is_kept(
    manager: Manager, as_engine: AsyncEngine
) -> None:
    """A blank installation gives way to an older one at its removal; one with a webhook is not blank."""
    await manager.create(URL)
    await manager.client.delete(manager.guild)

    insert_installation(manager.database.admin, manager.bot_id, manager.guild_id)
    newer = await manager.create(f"{URL}/2")
    # the removed one's webhook hears nothing of what happens now
    await manager.client.post(f"{manager.guild}/cases", json={"action": "warn", "targetId": TARGET})
    assert [str(row["webhook_id"]) for row in told(manager) if row["kind"] == "case.opened"] == [newer["id"]]
    async with transaction(as_engine) as session:
        await remove_guild(session=session, scope=manager.scope, by="discord")
    await manager.client.post(f"{manager.guild}/restore")
    listed = (await manager.client.get(f"{manager.guild}/webhooks")).json()["items"]
    assert [one["id"] for one in listed] == [newer["id"]]


async def test_a_server_hears_of_itself_and_all_of_a_bots_servers_of_its_end(
    manager: Manager, database: Database, api: Edge
) -> None:

    insert_installation(database.admin, manager.bot_id, manager.guild_id + 1)
    here = Manager(manager.client, database, manager.bot_id, manager.user_id, manager.guild_id + 1)
    await manager.create(URL)
    await here.create(URL)
    await manager.client.post(f"{manager.guild}/cases", json={"action": "warn", "targetId": TARGET})
    assert [(row["kind"], row["guild_id"]) for row in told(manager)] == [("case.opened", manager.guild_id)]
    manager.ask("DELETE FROM webhook_deliveries")
    async with browser(api, address="203.0.113.8") as theirs:
        other = await Manager.settle_in(
            theirs, database, email="bea@example.com", application_id=2, guild_id=manager.guild_id
        )
        await other.create(URL)
    answer = await manager.client.delete(f"/api/bots/{manager.bot_id}")
    assert answer.status_code == 204, answer.text
    assert sorted((row["kind"], row["guild_id"]) for row in told(manager)) == [
        ("server.removed", manager.guild_id),
        ("server.removed", manager.guild_id + 1),
    ]


async def test_an_event_is_small_and_complete(manager: Manager, as_api: AsyncEngine) -> None:
    await manager.create(URL)
    huge = SettingsChanged(module="x", revision=1, changed=("y" * 20_000,))
    with pytest.raises(ValueError, match="too large"):
        async with transaction(as_api) as session:
            await emit_event(session, manager.scope, huge)
    needed = manager.ask(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_name = 'webhook_deliveries' AND is_nullable = 'NO'"
    )
    assert {row["column_name"] for row in needed} == set(COLUMNS)
