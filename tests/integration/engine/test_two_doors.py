"""What the dashboard and Discord can both do leaves the same row in the audit log, but for who did it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from support.api import browser, environment, log_in, register, running_api
from support.engine import query, until
from support.scene import Scene

from astero_sandbox.valkey import Valkey
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.ids import new_id

from .conftest import House
from .test_removal_and_return import add_the_bot, kick_the_bot, the_offer


@pytest.fixture
async def dashboard(house: House, valkey: str, valkey_server: Valkey) -> AsyncIterator[httpx.AsyncClient]:
    """The api on the engine's database, and the owner of the bot signed in."""
    assert valkey, "asking for it empties the server afterwards"
    env = environment(
        database_url=house.database.api,
        redis_url=valkey_server.url("api"),
        BOT_ENGINE_SECRET=house.engine.secret,
    )
    owned = "UPDATE bots SET kind = %s, owner_user_id = %s WHERE id = %s"
    async with running_api(env) as api, browser(api) as client:
        email = f"{new_id()}@example.com"
        user = await register(client, email)
        await log_in(client, email)
        await query(house.database, owned, ["branded", user["id"], SHARED_BOT_ID])
        yield client
        await query(house.database, owned, ["shared", None, SHARED_BOT_ID])


def path_of(scene: Scene) -> str:
    return f"/api/bots/{SHARED_BOT_ID}/guilds/{scene.guild_id}"


async def audited(house: House, scene: Scene, action: str) -> list[Any]:
    """(kind of actor, target, details) of the rows of this action, oldest first."""
    return await query(
        house.database,
        "SELECT actor_kind, target, details FROM audit_entries"
        " WHERE bot_id = %s AND guild_id = %s AND action = %s ORDER BY id",
        [SHARED_BOT_ID, scene.guild_id, action],
    )


async def test_settings_changed_through_both_doors(
    house: House, scene: Scene, dashboard: httpx.AsyncClient
) -> None:
    path = f"{path_of(scene)}/modules/automod"
    answer = await dashboard.patch(path, json={"words": {"words": ["rumpelstilz"]}})
    assert answer.status_code == 200, answer.text
    await scene.use("alex", "automod addword", word="zauberlehrling")
    assert await audited(house, scene, "module:config:updated") == [
        ("user", "automod", {"revision": 1, "changed": ["words"]}),
        ("member", "automod", {"revision": 2, "changed": ["words"]}),
    ]
    # Nothing is changed, so nothing is told.
    await dashboard.patch(path, json={"words": {"words": ["rumpelstilz", "zauberlehrling"]}})
    await scene.use("alex", "automod addword", word="Zauberlehrling")
    assert len(await audited(house, scene, "module:config:updated")) == 2


async def test_cases_opened_through_both_doors(
    house: House, scene: Scene, dashboard: httpx.AsyncClient
) -> None:
    nova = str(scene.people["nova"])
    answer = await dashboard.post(f"{path_of(scene)}/cases", json={"action": "warn", "targetId": nova})
    assert answer.status_code == 201, answer.text
    await scene.use("alex", "mod warn", member=nova)
    answer = await dashboard.post(f"{path_of(scene)}/cases", json={"action": "warn", "targetId": nova})
    assert answer.json()["related"] == [2, 1]
    assert [case["related"] for case in await house.cases(scene, settled=3)] == [[], [1], [2, 1]]
    assert await audited(house, scene, "case:case:opened") == [
        ("user", "1", {"action": "warn", "targetId": nova, "source": "api"}),
        ("member", "2", {"action": "warn", "targetId": nova, "source": "command"}),
        ("user", "3", {"action": "warn", "targetId": nova, "source": "api"}),
    ]


async def test_a_note_needs_no_reason_through_either_door(
    house: House, scene: Scene, dashboard: httpx.AsyncClient
) -> None:
    await house.configure(scene, "cases", {"requireReason": True})
    nova = str(scene.people["nova"])
    note = {"action": "note", "targetId": nova, "internalNote": "seen before"}
    assert (await dashboard.post(f"{path_of(scene)}/cases", json=note)).status_code == 201
    await scene.use("alex", "mod note", user=nova, text="seen before")
    assert [case["internal_note"] for case in await house.cases(scene, settled=2)] == ["seen before"] * 2


async def test_cases_edited_through_both_doors(
    house: House, scene: Scene, dashboard: httpx.AsyncClient
) -> None:
    await scene.use("alex", "mod warn", member=str(scene.people["nova"]), reason="first")
    path = f"{path_of(scene)}/cases/1"
    answer = await dashboard.patch(path, json={"reason": "second"})
    assert answer.status_code == 200, answer.text
    await scene.use("alex", "cases reason", number=1, reason="third")
    # The same again changes nothing, so nothing is told.
    await scene.use("alex", "cases reason", number=1, reason="third")
    await dashboard.patch(path, json={"reason": "third"})
    assert await audited(house, scene, "case:case:edited") == [
        ("user", "1", {"changed": ["reason"]}),
        ("member", "1", {"changed": ["reason"]}),
    ]


async def test_servers_removed_and_restored_through_both_doors(
    house: House, scene: Scene, dashboard: httpx.AsyncClient
) -> None:
    await house.configure(scene, "automod", {"words": {"enabled": True, "words": ["rumpelstilz"]}})
    guild = path_of(scene)

    async def removals(count: int) -> list[Any]:
        async def told() -> list[Any]:
            rows = await audited(house, scene, "installation:guild:removed")
            return rows if len(rows) == count else []

        return await until(told)

    assert (await dashboard.delete(guild)).status_code == 204
    await removals(1)
    # Pressing twice restores once.
    for _ in range(2):
        assert (await dashboard.post(f"{guild}/restore")).status_code == 200
    await add_the_bot(scene)
    await kick_the_bot(scene)
    await removals(2)
    await add_the_bot(scene)
    await scene.press("alex", await the_offer(scene), "restore")

    target = str(scene.guild_id)
    assert await audited(house, scene, "installation:guild:removed") == [
        ("user", target, {}),
        ("system", target, {}),
    ]
    assert await audited(house, scene, "installation:guild:restored") == [
        ("user", target, {}),
        ("member", target, {}),
    ]
