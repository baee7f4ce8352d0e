"""The slash commands: defined once for all bots, registered at Discord only when their definition changed."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, Final

import discord
import msgspec
from discord import app_commands
from loguru import logger
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.interactions.components import ComponentRouter
from astero_bot_engine.interactions.failures import tell
from astero_bot_engine.interactions.language import CatalogueTranslator
from astero_shared.clock import utc_now
from astero_shared.db.session import reading, transaction
from astero_shared.features.bots.store import find_status, write_commands_hash
from astero_shared.scope import SYSTEM, BotScope

# Waits between tries to register, in seconds. The commands of before work meanwhile.
_RETRIES: Final = (1, 5, 30, 120, 600)


class _Tree(app_commands.CommandTree[BotClient]):
    async def on_error(
        self, interaction: discord.Interaction[BotClient], error: app_commands.AppCommandError, /
    ) -> None:
        await tell(interaction, error)


class CommandBook:
    """`attach` gives a client its commands and components; `register` tells Discord about them."""

    def __init__(
        self,
        db: AsyncEngine,
        commands: Sequence[app_commands.Command[Any, ..., Any] | app_commands.Group],
        components: ComponentRouter,
    ) -> None:
        self._db = db
        self._commands = commands
        self._components = components
        self._registering: set[asyncio.Task[None]] = set()

    async def attach(self, client: BotClient) -> None:
        """Once for each client, before it connects. Registering happens meanwhile: connecting comes first."""
        tree = _Tree(client)
        for command in self._commands:
            tree.add_command(command)
        client.event(self._components.on_interaction)
        task = asyncio.create_task(self._register_surely(client, tree))
        self._registering.add(task)
        task.add_done_callback(self._registering.discard)

    async def payload(self, tree: app_commands.CommandTree[Any]) -> list[dict[str, Any]]:
        """The definitions as Discord takes them, in both languages."""
        translator = CatalogueTranslator()
        return [await command.get_translated_payload(tree, translator) for command in self._commands]

    async def close(self) -> None:
        for task in self._registering:
            task.cancel()
        await asyncio.gather(*self._registering, return_exceptions=True)

    async def _register_surely(self, client: BotClient, tree: _Tree) -> None:
        for delay in _RETRIES:
            try:
                await self._register(client, tree)
            except (discord.HTTPException, discord.ClientException, OSError) as error:
                logger.warning(
                    "commands not registered yet",
                    bot=str(client.bot_id),
                    error=type(error).__name__,
                    status=getattr(error, "status", None),
                )
            except (DBAPIError, PoolTimeoutError) as error:
                logger.warning("commands not compared yet", error=type(error).__name__)
            else:
                return
            await asyncio.sleep(delay)

    async def _register(self, client: BotClient, tree: _Tree) -> None:
        application_id = client.application_id
        if application_id is None:
            raise discord.ClientException("the application is not known yet")
        payload = await self.payload(tree)
        # The application counts too: with another one's token the commands are not there yet.
        encoded = msgspec.json.encode([application_id, payload], order="deterministic")
        fingerprint = hashlib.sha256(encoded).hexdigest()
        scope = BotScope(SYSTEM, client.bot_id)
        async with reading(self._db) as session:
            status = await find_status(session, scope)
        if status is not None and status.commands_hash == fingerprint:
            return
        await client.http.bulk_upsert_global_commands(application_id, payload)
        async with transaction(self._db) as session:
            await write_commands_hash(session, scope, fingerprint=fingerprint, now=utc_now())
        logger.info("commands registered", bot=str(client.bot_id), commands=len(payload))
