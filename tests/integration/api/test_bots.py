"""Bringing a bot: its token is checked with Discord, sealed, and never seen again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from support.api import browser, log_in, register, running_api
from support.discord_sandbox import DiscordSandbox, running_sandbox
from support.hosting import GUILD, insert_installation
from support.stack import Database

from astero_api.web.edge import Edge
from astero_shared.crypto.fields import unseal
from astero_shared.crypto.keyring import Keyring
from astero_shared.features.bots.tables import SHARED_BOT_ID


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    with running_sandbox() as url:
        yield url


@pytest.fixture
async def discord(sandbox_url: str) -> AsyncIterator[DiscordSandbox]:
    sandbox = DiscordSandbox(sandbox_url)
    yield sandbox
    await sandbox.close()


@pytest.fixture
async def api(api_environment: dict[str, str], discord: DiscordSandbox) -> AsyncIterator[Edge]:
    async with running_api(api_environment | {"DISCORD_API_URL": discord.api_url}) as edge:
        yield edge


@pytest.fixture
async def ana(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await register(client)
    await log_in(client)
    return client


async def application(discord: DiscordSandbox, name: str = "Guard") -> dict[str, Any]:
    return await discord.post("/applications", name=name)


async def bring(ana: httpx.AsyncClient, app: dict[str, Any], **body: str) -> dict[str, Any]:
    answer = await ana.post("/api/bots", json={"token": app["botToken"]} | body)
    assert answer.status_code == 201, answer.text
    assert app["botToken"] not in answer.text
    return answer.json()


async def test_a_bot_is_brought_by_its_token(
    ana: httpx.AsyncClient, discord: DiscordSandbox, database: Database, api_environment: dict[str, str]
) -> None:
    app = await application(discord)
    bot = await bring(ana, app)
    assert bot["name"] == "Guard"
    assert bot["kind"] == "branded"
    assert bot["applicationId"] == app["applicationId"]
    assert bot["token"]["set"] is True
    assert bot["token"]["last4"] == app["botToken"][-4:]
    assert bot["desiredState"] == "running"
    assert bot["status"]["state"] == "starting"
    assert f"client_id={app['applicationId']}" in bot["inviteUrl"]
    assert (await ana.get(f"/api/bots/{bot['id']}")).json() == bot
    assert (await ana.get("/api/bots")).json() == {"items": [bot], "nextCursor": None}
    with psycopg.connect(database.admin) as connection:
        row = connection.execute("SELECT ciphertext FROM bot_tokens").fetchone()
        dump = connection.execute(
            "SELECT jsonb_agg(to_jsonb(audit_entries))::text FROM audit_entries"
        ).fetchone()
    assert row is not None
    assert dump is not None
    keyring = Keyring.parse(api_environment["ENCRYPTION_KEY"])
    opened = unseal(keyring, table="bot_tokens", column="ciphertext", row=UUID(bot["id"]), blob=row[0])
    assert opened.decode() == app["botToken"]
    assert app["botToken"] not in dump[0]
    assert "bot:bot:created" in dump[0]


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "a.b.c",
        "MTE4NzEyMzQ1Njc4OTAxMjM0NQ.GzZ9xQ.aaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "x" * 200,
        "é" * 40,
        "MTE4NzEyMzQ1Njc4OTAxMjM0NQ.GzZ9xQ.aaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nX-Evil: 1",
    ],
)
async def test_a_token_that_discord_does_not_know_is_refused(ana: httpx.AsyncClient, token: str) -> None:
    answer = await ana.post("/api/bots", json={"token": token})
    assert answer.status_code == 422
    assert answer.json()["code"] == "bots.token_invalid"
    assert answer.json()["errors"][0]["pointer"] == "/token"
    assert token not in answer.text


async def test_one_application_has_one_owner_also_when_two_bring_it_at_once(
    ana: httpx.AsyncClient, api: Edge, discord: DiscordSandbox
) -> None:
    app = await application(discord)
    async with browser(api, address="198.51.100.7") as eve:
        await register(eve, "eve@example.com")
        await log_in(eve, "eve@example.com")
        answers = await asyncio.gather(
            *(who.post("/api/bots", json={"token": app["botToken"]}) for who in (ana, eve))
        )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] == "bots.application_taken"


async def test_discord_out_of_order_is_told_apart_from_a_wrong_token(
    ana: httpx.AsyncClient, discord: DiscordSandbox
) -> None:
    app = await application(discord)
    await discord.fault("outage")
    answer = await ana.post("/api/bots", json={"token": app["botToken"]})
    await discord.fault("clear")
    assert answer.status_code == 503
    assert answer.json()["code"] == "discord.unavailable"
    assert int(answer.headers["retry-after"]) > 0


async def test_the_token_is_replaced_by_another_of_the_same_application_only(
    ana: httpx.AsyncClient, discord: DiscordSandbox
) -> None:
    app, other = await application(discord), await application(discord, "Other")
    bot = await bring(ana, app, name="Mine")
    url = f"/api/bots/{bot['id']}/token"
    refused = await ana.put(url, json={"token": other["botToken"]})
    assert refused.status_code == 422
    assert refused.json()["code"] == "bots.token_other_application"
    replaced = await ana.put(url, json={"token": app["botToken"]})
    assert replaced.status_code == 200
    assert replaced.json()["name"] == "Mine"
    assert replaced.json()["token"]["updatedAt"] > bot["token"]["updatedAt"]


async def test_a_name_that_hides_something_is_refused(
    ana: httpx.AsyncClient, discord: DiscordSandbox
) -> None:
    app = await application(discord)
    hidden = "Gu\u200bard"
    bot = await bring(ana, app, name="\U0001f468\u200d\U0001f467 Guard")
    another = {"token": (await application(discord))["botToken"], "name": hidden}
    for answer in (
        await ana.post("/api/bots", json=another),
        await ana.patch(f"/api/bots/{bot['id']}", json={"name": hidden}),
    ):
        assert answer.status_code == 422
        assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
            ("/name", "names.hidden")
        ]
    assert [one["name"] for one in (await ana.get("/api/bots")).json()["items"]] == [bot["name"]]


async def test_a_bot_is_renamed_stopped_started_and_taken_away(
    ana: httpx.AsyncClient, discord: DiscordSandbox, database: Database
) -> None:
    app = await application(discord)
    bot = await bring(ana, app)
    url = f"/api/bots/{bot['id']}"
    insert_installation(database.admin, UUID(bot["id"]))
    assert (await ana.patch(url, json={"name": "Neu"})).json()["name"] == "Neu"
    assert (await ana.patch(url, json={"name": " x"})).status_code == 422
    assert (await ana.patch(url, json={"desiredState": "stopped"})).status_code == 422
    assert (await ana.post(f"{url}/stop")).json()["desiredState"] == "stopped"
    assert (await ana.get(f"{url}/status")).json()["state"] == "stopped"
    assert (await ana.post(f"{url}/start")).json()["desiredState"] == "running"
    assert (await ana.delete(url)).status_code == 204
    assert (await ana.get(url)).status_code == 404
    assert (await ana.get("/api/bots")).json()["items"] == []
    with psycopg.connect(database.admin) as connection:
        assert connection.execute("SELECT count(*) FROM bot_tokens").fetchone() == (0,)
        row = connection.execute("SELECT removed_at IS NOT NULL FROM installations").fetchone()
    assert row == (True,)
    await bring(ana, app)


async def test_the_status_says_what_to_do_in_the_readers_language(
    ana: httpx.AsyncClient, discord: DiscordSandbox, database: Database
) -> None:
    bot = await bring(ana, await application(discord))
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO bot_statuses (bot_id, state, reason, detail, since_at, reported_at)"
            " VALUES (%s, 'degraded', 'bots.intents_missing',"
            ' \'{"missingIntents": ["message_content"]}\', now(), now())',
            [bot["id"]],
        )
    english = (await ana.get(f"/api/bots/{bot['id']}/status")).json()
    french = (await ana.get(f"/api/bots/{bot['id']}/status", headers={"Accept-Language": "fr"})).json()
    assert english["reason"] == french["reason"] == "bots.intents_missing"
    assert english["detail"] == {"missingIntents": ["message_content"]}
    assert "developer portal" in english["message"]
    assert english["message"] != french["message"]


async def test_bots_come_in_pages(ana: httpx.AsyncClient, discord: DiscordSandbox) -> None:
    made = [(await bring(ana, await application(discord)))["id"] for _ in range(3)]
    first = (await ana.get("/api/bots?limit=2")).json()
    rest = (await ana.get(f"/api/bots?limit=2&cursor={first['nextCursor']}")).json()
    assert [bot["id"] for bot in (*first["items"], *rest["items"])] == made
    assert rest["nextCursor"] is None
    for query in (
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=x",
        "cursor=",
        "limit=1&limit=2",
        "page=1",
        "%ff=1",
    ):
        assert (await ana.get(f"/api/bots?{query}")).status_code == 422, query


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("PUT", "/token"),
        ("POST", "/start"),
        ("POST", "/stop"),
        ("GET", "/status"),
        ("GET", "/guilds"),
        ("GET", f"/guilds/{GUILD}"),
        ("DELETE", f"/guilds/{GUILD}"),
        ("POST", f"/guilds/{GUILD}/restore"),
        ("GET", f"/guilds/{GUILD}/cases"),
        ("GET", f"/guilds/{GUILD}/audit"),
    ],
)
async def test_another_users_bot_is_not_there(
    ana: httpx.AsyncClient, api: Edge, discord: DiscordSandbox, database: Database, method: str, path: str
) -> None:
    bot = await bring(ana, await application(discord))
    insert_installation(database.admin, UUID(bot["id"]))
    async with browser(api, address="198.51.100.7") as eve:
        await register(eve, "eve@example.com")
        await log_in(eve, "eve@example.com")
        theirs = await eve.request(method, f"/api/bots/{bot['id']}{path}")
        unknown = await eve.request(method, f"/api/bots/{UUID(int=5)}{path}")
    assert theirs.status_code == unknown.status_code == 404
    assert theirs.json()["code"] == unknown.json()["code"] == "bots.not_found"


async def test_the_shared_bot_is_nobodys_to_change(ana: httpx.AsyncClient) -> None:
    url = f"/api/bots/{SHARED_BOT_ID}"
    assert (await ana.get(url)).json()["kind"] == "shared"
    for method, path in (("POST", "/stop"), ("DELETE", ""), ("PUT", "/token"), ("PATCH", "")):
        assert (await ana.request(method, url + path)).status_code == 404
    assert (await ana.get(f"{url}/guilds/{GUILD}")).status_code == 404


async def test_a_bot_brought_while_its_owner_is_suspended_is_not_hosted(
    ana: httpx.AsyncClient, discord: DiscordSandbox, database: Database
) -> None:
    app = await application(discord)
    with psycopg.connect(database.admin) as operator:
        operator.execute("UPDATE users SET status = 'suspended'")
        # not committed: the session still stands
        bringing = asyncio.create_task(ana.post("/api/bots", json={"token": app["botToken"]}))
        while not waiting_for_locks(database):  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.02)
        operator.commit()
    assert (await bringing).status_code == 401
    with psycopg.connect(database.admin) as connection:
        row = connection.execute("SELECT count(*) FROM bots WHERE kind = 'branded'").fetchone()
    assert row == (0,)


def waiting_for_locks(database: Database) -> bool:
    with psycopg.connect(database.admin) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s",
            [database.name],
        ).fetchone()
    return row != (0,)
