"""The bot engine as it runs in production: a process of its own, on a sandbox Discord and a real database."""

import asyncio
import base64
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg
from support.stack import Database

from astero_sandbox.ports import free_port
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.internal.client import EngineClient
from astero_shared.settings import SecretRing


class EngineProcess:
    """One `python -m astero_bot_engine`. Its log is read when it has ended, or by `log`."""

    def __init__(self, database: Database, *, api_url: str, token: str | None, folder: Path) -> None:
        self.database = database
        self.port = free_port()
        self.secret = secrets.token_urlsafe(48)
        self.environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database.bot_engine,
            "ENCRYPTION_KEY": "1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
            "BOT_ENGINE_SECRET": self.secret,
            "DISCORD_API_URL": api_url,
            "ENGINE_BIND": f"127.0.0.1:{self.port}",
        }
        if token is not None:
            self.environment["DISCORD_BOT_TOKEN"] = token
        self._log = folder / f"engine-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "astero_bot_engine"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """As a crash: nothing is handed over."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """As an operator stops it; answers the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            raise
        finally:
            self._process = None

    def log(self) -> list[dict[str, Any]]:
        # without the last line while it is being written
        whole = self._log.read_bytes().rpartition(b"\n")[0] if self._log.exists() else b""
        lines = whole.splitlines()
        return [orjson.loads(line) if line.startswith(b"{") else {"msg": line.decode()} for line in lines]

    def logged(self, message: str) -> bool:
        return any(line.get("msg") == message for line in self.log())

    def client(self, http: httpx.AsyncClient) -> EngineClient:
        """The api's end of the internal route."""
        return EngineClient(http, SecretRing((self.secret,)), self.url)

    async def online(self, *bot_ids: Any) -> None:
        """Returns when these bots (the shared one by default) are online as their owners see it."""
        wanted = [str(bot_id) for bot_id in bot_ids or (SHARED_BOT_ID,)]

        async def states() -> bool:
            assert self.alive, "the engine has ended"
            rows = await query(
                self.database,
                "SELECT state FROM bot_statuses WHERE bot_id = ANY(%s::uuid[])",
                [wanted],
            )
            return len(rows) == len(wanted) and all(row[0] in {"online", "degraded"} for row in rows)

        await until(states)


async def query(database: Database, statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """As the administrator, to look at what the engine has written."""
    async with await psycopg.AsyncConnection.connect(database.admin, autocommit=True) as connection:
        cursor = await connection.execute(statement, values or [])  # pyright: ignore[reportArgumentType]
        return await cursor.fetchall() if cursor.description else []


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """The first true answer. The test's own time limit is the limit."""
    while not (answer := await condition()):  # noqa: ASYNC110 - what is waited for is another process
        await asyncio.sleep(0.05)
    return answer
