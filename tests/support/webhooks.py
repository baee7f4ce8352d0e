"""A server whose manager sets webhooks through the api, and a courier that carries what they are told."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import psycopg
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncEngine
from support.api import log_in, register
from support.hosting import GUILD, insert_bot, insert_installation
from support.stack import Database

from astero_api.features.webhooks.jobs import Courier
from astero_shared.db.session import transaction
from astero_shared.features.webhooks.events import CaseEdited, EventData
from astero_shared.features.webhooks.outbox import emit_event
from astero_shared.scope import SYSTEM, GuildScope


@dataclass(frozen=True)
class Manager:
    """Somebody who manages one server of one branded bot of theirs."""

    client: httpx.AsyncClient
    database: Database
    bot_id: UUID
    user_id: str
    guild_id: int = GUILD

    @property
    def guild(self) -> str:
        return f"/api/bots/{self.bot_id}/guilds/{self.guild_id}"

    @property
    def scope(self) -> GuildScope:
        return GuildScope(SYSTEM, self.bot_id, self.guild_id)

    @classmethod
    async def settle_in(
        cls,
        client: httpx.AsyncClient,
        database: Database,
        *,
        email: str = "ana@example.com",
        application_id: int = 1100000000000000001,
        guild_id: int = GUILD,
    ) -> "Manager":
        user = await register(client, email)
        await log_in(client, email)
        bot_id = insert_bot(database.admin, user["id"], application_id=application_id)
        insert_installation(database.admin, bot_id, guild_id)
        return cls(client, database, bot_id, user["id"], guild_id)

    async def create(self, url: str, **fields: Any) -> dict[str, Any]:
        answer = await self.client.post(f"{self.guild}/webhooks", json={"url": url} | fields)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def at(self, webhook: dict[str, Any], path: str = "") -> str:
        return f"{self.guild}/webhooks/{webhook['id']}{path}"

    async def look(self, webhook: dict[str, Any]) -> dict[str, Any]:
        return (await self.client.get(self.at(webhook))).json()

    async def deliveries(self, webhook: dict[str, Any]) -> list[dict[str, Any]]:
        return (await self.client.get(self.at(webhook, "/deliveries"))).json()["items"]

    def ask(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """The database's administrator looks, or moves time."""
        with psycopg.connect(self.database.admin, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement, values)  # pyright: ignore[reportArgumentType]
            return cursor.fetchall() if cursor.description else []

    def make_due(self) -> None:
        self.ask("UPDATE webhook_deliveries SET next_attempt_at = now() WHERE state = 'waiting'")


async def emit(engine: AsyncEngine, scope: GuildScope, data: EventData | None = None) -> UUID:
    """As a service does, in a transaction of its own."""
    async with transaction(engine) as session:
        return await emit_event(session, scope, data or CaseEdited(number=1, changed=("reason",)))


@asynccontextmanager
async def carrying(courier: Courier) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        group.create_task(courier.run())
        try:
            yield
        finally:
            courier.end()
