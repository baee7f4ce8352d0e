"""The bot engine, put together: settings in, one process that runs until it is told to stop."""

import asyncio
import signal
from functools import partial
from uuid import UUID

from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.chores import Chores
from astero_bot_engine.dispatch.listeners import Listeners
from astero_bot_engine.features.automod.catch_up import CatchUp
from astero_bot_engine.features.automod.commands import AutomodCommands
from astero_bot_engine.features.automod.floods import Floods
from astero_bot_engine.features.automod.listeners import MODULE, AutomodListener
from astero_bot_engine.features.cases.commands import WORD as CASES_WORD
from astero_bot_engine.features.cases.commands import CasesCommands
from astero_bot_engine.features.cases.log_channel import LogChannels
from astero_bot_engine.features.cases.rounds import CaseRounds
from astero_bot_engine.features.cases.service import CaseDesk
from astero_bot_engine.features.installations.listeners import InstallationListener
from astero_bot_engine.features.installations.service import InstallationKeeper
from astero_bot_engine.features.installations.views import WORD as RESTORE_WORD
from astero_bot_engine.features.installations.views import RestoreButton, offer_restore
from astero_bot_engine.features.moderation.commands import ModCommands
from astero_bot_engine.features.moderation.service import Moderation
from astero_bot_engine.features.modules.commands import SettingsPanel
from astero_bot_engine.features.modules.service import SettingsDesk, SettingsMemory
from astero_bot_engine.features.modules.views import WORD as SETTINGS_WORD
from astero_bot_engine.fleet.supervisor import Supervisor
from astero_bot_engine.interactions.command_book import CommandBook
from astero_bot_engine.interactions.components import ComponentRouter
from astero_bot_engine.internal.listener import listening
from astero_bot_engine.internal.routes import create_internal_app
from astero_bot_engine.settings import EngineSettings
from astero_shared.db.engine import create_engine, reach_database
from astero_shared.features.automod.rules import compile_config
from astero_shared.features.cases.store import Fence, LeaseLostError
from astero_shared.observability.sentry import reporting

_DRAIN_SECONDS = 5.0
# A member who switched something on is answered when it works, at the latest after this long.
_PATIENCE_SECONDS = 10.0


async def run_engine(settings: EngineSettings) -> None:
    """Until SIGTERM or SIGINT; then every bot is handed over. Raises ConfigurationError."""
    db = create_engine(settings.database_url, application="astero_bot_engine", pool_size=12)
    try:
        await reach_database(db)
        async with reporting(settings.sentry_dsn, service="bot-engine"):
            await _run(settings, db)
    finally:
        await db.dispose()


async def _run(settings: EngineSettings, db: AsyncEngine) -> None:
    listeners = Listeners()
    fleet = Supervisor(
        db=db,
        keyring=settings.encryption_key,
        listeners=listeners,
        api_url=settings.discord_api_url,
        engine_url=settings.url,
        shared_token=settings.discord_bot_token,
    )
    memory = SettingsMemory(db, prepare={MODULE: compile_config}, announce=fleet.announce)
    log_channels = LogChannels(memory, fleet.guard)
    cases = CaseDesk(
        db,
        guard=fleet.guard,
        memory=memory,
        log_channels=log_channels,
        fence_of=lambda bot_id: _fence(fleet, bot_id),
    )
    keeper = InstallationKeeper(db, memory=memory, offer=offer_restore)
    rounds = CaseRounds(
        db,
        guard=fleet.guard,
        memory=memory,
        desk=cases,
        log_channels=log_channels,
        find_client=fleet.find_client,
    )
    chores = Chores(fleet, rounds)
    settings_desk = SettingsDesk(db, reload=partial(chores.reload, within=_PATIENCE_SECONDS))

    automod = AutomodListener(memory=memory, desk=cases, floods=Floods(db), log_channels=log_channels)
    automod.register(listeners)
    catch_up = CatchUp(
        module=MODULE,
        guard=fleet.guard,
        memory=memory,
        judge=automod.judge,
        heard_at=chores.heard_at,
    )
    catch_up.register(listeners)
    InstallationListener(keeper).register(listeners)
    components = ComponentRouter()
    components.add(RESTORE_WORD, RestoreButton(keeper).press)
    panel = SettingsPanel(desk=settings_desk, memory=memory)
    components.add(SETTINGS_WORD, panel.handle)
    case_commands = CasesCommands(db, memory=memory)
    components.add(CASES_WORD, case_commands.turn_page)
    moderation = Moderation(guard=fleet.guard, desk=cases, memory=memory)
    automod_commands = AutomodCommands(desk=settings_desk, memory=memory)
    definitions = [automod_commands, ModCommands(moderation), case_commands, panel.command()]
    commands = CommandBook(db, definitions, components)

    fleet.settings = memory
    fleet.attach = commands.attach
    fleet.on_held = chores.took_over

    stop = asyncio.Event()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(wanted, stop.set)
    app = create_internal_app(chores, settings.bot_engine_secret)
    async with listening(app, settings.engine_bind) as serving:
        logger.info("engine started", engine=str(fleet.engine_id), url=settings.url)
        bots = asyncio.create_task(fleet.run())
        coming_round = asyncio.create_task(chores.run())
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({bots, serving, asked, coming_round}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (asked, coming_round):
                task.cancel()
            await commands.close()
            await catch_up.close()
            fleet.stop()
            await cases.drain(within=_DRAIN_SECONDS)
            await bots
    logger.info("engine stopped", engine=str(fleet.engine_id))
    if not stop.is_set():
        raise RuntimeError("a part of the engine ended by itself")


def _fence(fleet: Supervisor, bot_id: UUID) -> Fence:
    number = fleet.fence(bot_id)
    if number is None:
        raise LeaseLostError
    return Fence(fleet.engine_id, number)
