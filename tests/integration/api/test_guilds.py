"""A bot's servers: listed, left, and back as they were."""

from dataclasses import dataclass
from uuid import UUID

import httpx
import psycopg
import pytest
from support.api import log_in, register
from support.hosting import GUILD, insert_bot, insert_installation
from support.stack import Database


@dataclass(frozen=True)
class Hosted:
    client: httpx.AsyncClient
    bot_id: UUID
    database: Database

    @property
    def guilds(self) -> str:
        return f"/api/bots/{self.bot_id}/guilds"

    async def listed(self, state: str) -> list[str]:
        answer = await self.client.get(f"{self.guilds}?state={state}")
        return [item["guildId"] for item in answer.json()["items"]]

    def removed_days_ago(self, days: float) -> None:
        with psycopg.connect(self.database.admin, autocommit=True) as connection:
            connection.execute(
                "UPDATE installations SET removed_at = now() - make_interval(secs => %s)"
                " WHERE removed_at IS NOT NULL",
                [days * 86400],
            )


@pytest.fixture
async def hosted(client: httpx.AsyncClient, database: Database) -> Hosted:
    user = await register(client)
    await log_in(client)
    bot_id = insert_bot(database.admin, user["id"])
    insert_installation(database.admin, bot_id)
    return Hosted(client, bot_id, database)


async def test_a_server_is_removed_and_restored_byte_for_byte(hosted: Hosted) -> None:
    url = f"{hosted.guilds}/{GUILD}"
    await hosted.client.patch(f"{url}/modules/automod", json={"words": {"enabled": True, "words": ["a1"]}})
    before = (await hosted.client.get(f"{url}/modules/automod")).content
    assert (await hosted.client.delete(url)).status_code == 204
    assert (await hosted.client.delete(url)).status_code == 204
    assert await hosted.listed("active") == []
    assert await hosted.listed("removed") == [str(GUILD)]
    for path in ("", "/modules", "/modules/automod", "/cases"):
        assert (await hosted.client.get(url + path)).status_code == 404, path
    restored = await hosted.client.post(f"{url}/restore")
    assert restored.status_code == 200
    assert restored.json()["state"] == "active"
    assert (await hosted.client.post(f"{url}/restore")).status_code == 200
    assert (await hosted.client.get(f"{url}/modules/automod")).content == before
    assert await hosted.listed("active") == [str(GUILD)]
    with psycopg.connect(hosted.database.admin) as connection:
        rows = connection.execute(
            "SELECT action, count(*) FROM audit_entries WHERE action LIKE 'installation%'"
            " GROUP BY action ORDER BY action"
        ).fetchall()
    assert rows == [("installation:guild:removed", 1), ("installation:guild:restored", 1)]


async def test_the_fourteen_days_are_decided_when_read(hosted: Hosted) -> None:
    url = f"{hosted.guilds}/{GUILD}"
    await hosted.client.delete(url)
    hosted.removed_days_ago(13.999)
    assert await hosted.listed("removed") == [str(GUILD)]
    hosted.removed_days_ago(14)
    assert await hosted.listed("removed") == []
    answer = await hosted.client.post(f"{url}/restore")
    assert answer.status_code == 410
    assert answer.json()["code"] == "installations.restore_expired"


async def test_what_was_never_there_is_neither_removed_nor_restored(hosted: Hosted) -> None:
    url = f"{hosted.guilds}/1109000000000000099"
    assert (await hosted.client.delete(url)).status_code == 404
    assert (await hosted.client.post(f"{url}/restore")).status_code == 404


async def test_servers_come_in_pages(hosted: Hosted) -> None:
    for number in range(2, 5):
        insert_installation(hosted.database.admin, hosted.bot_id, GUILD + number)
    first = (await hosted.client.get(f"{hosted.guilds}?limit=3")).json()
    rest = (await hosted.client.get(f"{hosted.guilds}?limit=3&cursor={first['nextCursor']}")).json()
    assert len(first["items"]) == 3
    assert len(rest["items"]) == 1
    assert (await hosted.client.get(f"{hosted.guilds}?state=other")).status_code == 422
