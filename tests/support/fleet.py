"""Bot engines in this process: real supervisors on a real database and a sandbox Discord."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from support.discord_sandbox import Community

from astero_bot_engine.dispatch.listeners import Listeners
from astero_bot_engine.features.modules.service import SettingsMemory
from astero_bot_engine.fleet.supervisor import Supervisor
from astero_bot_engine.fleet.timing import Timing
from astero_shared.crypto.fields import seal
from astero_shared.crypto.keyring import Keyring
from astero_shared.db.engine import create_engine
from astero_shared.ids import new_id
from astero_shared.settings import Secret


def new_keyring(key_id: int = 1) -> Keyring:
    return Keyring.parse(f"{key_id}:{base64.b64encode(secrets.token_bytes(32)).decode()}")


class FleetDatabase:
    """The rows the api would have written, and a look at what the engines write."""

    def __init__(self, admin_url: str, engine_url: str, keyring: Keyring) -> None:
        self.admin_url = admin_url
        self.engine_url = engine_url
        self.keyring = keyring

    def ask(self, query: str, *params: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.admin_url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(query, params)  # pyright: ignore[reportArgumentType]
            return cursor.fetchall() if cursor.description else []

    def add_bot(self, home: Community, *, token: str | None = None) -> UUID:
        """A branded bot that its owner wants to run, with a word forbidden in its server."""
        bot_id, user_id = new_id(), new_id()
        mail = f"{user_id}@example.test"
        self.ask(
            "INSERT INTO users (id, email, email_key, locale, token_version, status, created_at)"
            " VALUES (%s, %s, %s, 'en', 0, 'active', now())",
            user_id, mail, mail,
        )  # fmt: skip
        self.ask(
            "INSERT INTO bots (id, owner_user_id, kind, name, application_id, desired_state,"
            " created_at, updated_at) VALUES (%s, %s, 'branded', 'Guard', %s, 'running', now(), now())",
            bot_id, user_id, home.application_id,
        )  # fmt: skip
        self.set_token(bot_id, token or home.token)
        self.ask(
            "INSERT INTO installations (id, bot_id, guild_id, guild_name, guild_owner_id, member_count,"
            " present, joined_at) VALUES (gen_random_uuid(), %s, %s, 'Home', 1, 3, true, now())",
            bot_id, home.guild_id,
        )  # fmt: skip
        self.ask(
            "INSERT INTO module_configs (installation_id, module, bot_id, guild_id, revision, config,"
            " updated_at) SELECT id, 'automod', bot_id, guild_id, 1,"
            """ '{"words": {"enabled": true, "words": ["spam"]}}', now()"""
            " FROM installations WHERE bot_id = %s",
            bot_id,
        )
        return bot_id

    def set_token(self, bot_id: UUID, token: str, *, keyring: Keyring | None = None) -> None:
        blob = seal(
            keyring or self.keyring,
            table="bot_tokens",
            column="ciphertext",
            row=bot_id,
            plaintext=token.encode(),
        )
        self.ask(
            "INSERT INTO bot_tokens (bot_id, ciphertext, last4, updated_at) VALUES (%s, %s, %s, now())"
            " ON CONFLICT (bot_id) DO UPDATE SET ciphertext = excluded.ciphertext, updated_at = now()",
            bot_id, blob, token[-4:],
        )  # fmt: skip

    def want(self, bot_id: UUID, desired_state: str) -> None:
        self.ask("UPDATE bots SET desired_state = %s WHERE id = %s", desired_state, bot_id)

    def status(self, bot_id: UUID) -> dict[str, Any]:
        rows = self.ask("SELECT * FROM bot_statuses WHERE bot_id = %s", bot_id)
        return rows[0] if rows else {"state": None, "reason": None}

    def lease(self, bot_id: UUID) -> dict[str, Any]:
        rows = self.ask(
            "SELECT *, expires_at > clock_timestamp() AS live FROM bot_leases WHERE bot_id = %s", bot_id
        )
        return rows[0] if rows else {"engine_id": None, "live": False, "fence": 0}

    async def until(self, bot_id: UUID, state: str, reason: str | None = None) -> dict[str, Any]:
        """The status once the owner sees this state."""
        return await eventually(
            lambda: (
                status if (status := self.status(bot_id))["state"] == state
                and status["reason"] == reason else None
            )
        )  # fmt: skip


async def eventually(look: Callable[[], Any]) -> Any:
    """The first answer of `look` that is true; the test's own time limit ends a wait in vain."""
    while not (found := look()):  # noqa: ASYNC110 - what is waited for is in the database
        await asyncio.sleep(0.05)
    return found


class RunningEngine:
    """One supervisor and what its listener heard, by bot."""

    def __init__(self, fleet: Supervisor, listeners: Listeners) -> None:
        self.fleet = fleet
        self.listeners = listeners
        self.heard: list[tuple[UUID, str]] = []
        self.held: list[UUID] = []
        listeners.always("MESSAGE_CREATE", self._hear)
        self.run: asyncio.Task[None]

    def _hear(self, event: Any) -> None:
        self.heard.append((event.bot.bot_id, event.decode(dict)["content"]))

    async def note_held(self, client: Any) -> None:
        self.held.append(client.bot_id)

    def holds(self, bot_id: UUID) -> bool:
        return self.fleet.find_client(bot_id) is not None

    def begin(self) -> None:
        self.run = asyncio.create_task(self.fleet.run())


@asynccontextmanager
async def running_engine(
    database: FleetDatabase,
    api_url: str,
    *,
    keyring: Keyring | None = None,
    shared_token: str | None = None,
    engine_url: str | None = None,
    timing: Timing | None = None,
    start: bool = True,
) -> AsyncIterator[RunningEngine]:
    """Ends by handing over, unless it was stopped before. `engine_url` is another address of the database."""
    db = create_engine(Secret(engine_url or database.engine_url), application="test_engine")
    listeners = Listeners()
    fleet = Supervisor(
        db=db,
        keyring=keyring or database.keyring,
        listeners=listeners,
        api_url=api_url,
        engine_url="http://127.0.0.1:1",
        shared_token=Secret(shared_token) if shared_token else None,
        timing=timing,
    )
    fleet.settings = SettingsMemory(db, prepare={}, announce=fleet.announce)
    engine = RunningEngine(fleet, listeners)
    fleet.on_held = engine.note_held
    if start:
        engine.begin()
    try:
        yield engine
    finally:
        fleet.stop()
        await engine.run
        await db.dispose()
