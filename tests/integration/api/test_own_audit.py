"""A user reads what they did and what was done to their account, and nothing of anybody else."""

import httpx
from support.api import browser, log_in, register
from support.audit import ask, write
from support.hosting import insert_bot, insert_installation
from support.stack import Database

from astero_api.web.edge import Edge
from astero_shared.db.engine import create_engine
from astero_shared.scope import Actor, GuildScope
from astero_shared.settings import Secret


async def entries(client: httpx.AsyncClient, query: str = "") -> list[dict[str, object]]:
    answer = await client.get(f"/api/users/audit{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_it_tells_of_sign_ins_and_of_settings_wherever_they_are(
    client: httpx.AsyncClient, database: Database
) -> None:
    ana = await register(client)
    await log_in(client)
    bot_id = insert_bot(database.admin, ana["id"])
    insert_installation(database.admin, bot_id, 7)
    path = f"/api/bots/{bot_id}/guilds/7/modules/automod"
    changed = await client.patch(path, json={"caps": {"enabled": True}}, headers={"If-Match": '"0"'})
    assert changed.status_code == 200, changed.text
    newest, *older = await entries(client)
    assert newest["action"] == "module:config:updated"
    assert (newest["botId"], newest["guildId"]) == (str(bot_id), "7")
    started = next(one for one in older if one["action"] == "session:session:started")
    assert started["details"] == {"amr": ["pwd"], "ip": "203.0.113.7"}
    assert started["guildId"] is None
    assert older[-1]["action"] == "account:user:registered"


async def test_nobody_reads_of_anybody_else(api: Edge, client: httpx.AsyncClient, database: Database) -> None:
    await register(client)
    await log_in(client)
    mine = await entries(client)
    async with browser(api, address="203.0.113.9") as other:
        eve = await register(other, "eve@example.com")
        await log_in(other, "eve@example.com")
        engine = create_engine(Secret(database.api), application="test")
        scope = GuildScope(Actor(kind="user", id=eve["id"]), insert_bot(database.admin, eve["id"]), 9)
        await write(engine, scope=scope, actor=scope.actor)
        # a member whose id looks like an account's is no account
        await write(engine, scope=scope, actor=Actor(kind="member", id=eve["id"], name="Eve"))
        await engine.dispose()
        theirs = await entries(other)
        assert theirs[0]["action"] == "case:case:opened"
        assert len(theirs) == len(mine) + 1
        first = (await other.get("/api/users/audit?limit=1")).json()
        assert await entries(client, f"?cursor={first['nextCursor']}") == mine
    assert await entries(client) == mine
    assert {one["id"] for one in theirs}.isdisjoint({one["id"] for one in mine})


async def test_pages_follow_each_other_without_gap(client: httpx.AsyncClient, database: Database) -> None:
    await register(client)
    for _ in range(3):
        await log_in(client)
    whole = await entries(client)
    found: list[dict[str, object]] = []
    query = "?limit=2"
    while True:
        page = (await client.get(f"/api/users/audit{query}")).json()
        found += page["items"]
        if page["nextCursor"] is None:
            break
        query = f"?limit=2&cursor={page['nextCursor']}"
    assert found == whole
    assert len(whole) == ask(database, "SELECT count(*) FROM audit_entries")[0][0]


async def test_who_is_not_signed_in_reads_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/users/audit")).status_code == 401
    assert (await client.get("/api/users/audit?cursor=x")).status_code == 401
