"""Telling the engine that holds a bot to look now.

Nothing is lost when it cannot be told: it looks by itself every few seconds.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_shared.clock import utc_now
from astero_shared.db.session import reading
from astero_shared.features.bots.store import find_engine_url
from astero_shared.internal.client import EngineClient
from astero_shared.outbound.http import create_client
from astero_shared.scope import GuildScope
from astero_shared.settings import SecretRing

ENGINE_ALIVE: Final = timedelta(seconds=15)
"""An engine that has not been heard of for longer has lost its bots to another."""
_UNIX: Final = "unix:"
_SECONDS: Final = 3.0
_MAX_ENGINES: Final = 32


class Nudges:
    """With no engine alive a nudge does nothing.

    Raises UnavailableError when the engine that holds the bot cannot be reached.
    """

    def __init__(self, database: AsyncEngine, secrets: SecretRing) -> None:
        self._database = database
        self._secrets = secrets
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def reconcile(self, bot_id: UUID) -> None:
        """The bot's desired state, its token or its pending cases changed."""
        engine = await self._engine_of(bot_id)
        if engine is not None:
            await engine.reconcile(bot_id)

    async def reload(self, scope: GuildScope) -> None:
        """A server's settings changed."""
        engine = await self._engine_of(scope.bot_id)
        if engine is not None:
            await engine.reload(scope.bot_id, scope.guild_id)

    async def leave(self, scope: GuildScope) -> None:
        """The bot was removed from a server."""
        engine = await self._engine_of(scope.bot_id)
        if engine is not None:
            await engine.leave(scope.bot_id, scope.guild_id)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def _engine_of(self, bot_id: UUID) -> EngineClient | None:
        async with reading(self._database) as session:
            url = await find_engine_url(session, bot_id, alive_since=utc_now() - ENGINE_ALIVE)
        if url is None:
            return None
        # a socket has no host: any name will do, and only this client can use it
        origin = "http://engine" if url.startswith(_UNIX) else url
        client = self._clients.get(url)
        if client is None:
            if len(self._clients) >= _MAX_ENGINES:
                await self.close()
            client = self._clients[url] = create_client(
                allowed=[origin],
                total_seconds=_SECONDS,
                unix_socket=url.removeprefix(_UNIX) if url.startswith(_UNIX) else None,
            )
        return EngineClient(client, self._secrets, origin)
