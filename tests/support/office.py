"""The worker's jobs on a database, run when a test says so, and what they leave."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine
from support.stack import Database

from astero_api.jobs import create_jobs
from astero_api.mail.jobs import create_post
from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail, seal_with
from astero_api.settings import ApiSettings
from astero_shared.db.engine import create_engine
from astero_shared.db.session import transaction
from astero_shared.settings import load


class Office:
    """`engine` is that of the worker, on which letters may be written too."""

    def __init__(self, database: Database, settings: ApiSettings, engine: AsyncEngine) -> None:
        self._database = database
        self.engine = engine
        self._settings = settings
        self._jobs = create_jobs(settings, engine)

    async def write(self, to: str, **changes: Any) -> UUID:
        async with transaction(self.engine) as session:
            letter: dict[str, Any] = {"kind": MailKind.PASSWORD_CHANGED, "to": to, "locale": "en"}
            return await queue_mail(session, **letter | changes)

    async def work(self) -> None:
        """What is due now is done, and what follows from it."""
        async with self._jobs.open_async():
            await self._jobs.run_worker_async(wait=False, listen_notify=False, install_signal_handlers=False)

    async def send_twice_at_once(self, mail_id: UUID) -> None:
        """Two workers were given the same letter."""
        post = create_post(self._settings, self.engine)
        await asyncio.gather(post.send(mail_id), post.send(mail_id))

    def make_due(self) -> None:
        self.change("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")

    def change(self, statement: str, *values: Any) -> None:
        """The database's administrator turns a clock, or does damage."""
        with psycopg.connect(self._database.admin, autocommit=True) as connection:
            connection.execute(statement, values)  # pyright: ignore[reportArgumentType, reportCallIssue]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._database.admin) as connection:
            return connection.execute(statement).fetchall()  # pyright: ignore[reportArgumentType, reportCallIssue]

    @property
    def waiting(self) -> int:
        """Letters that were neither sent nor given up."""
        return self.rows("SELECT count(*) FROM mails")[0][0]


@asynccontextmanager
async def running_office(database: Database, environment: Mapping[str, str]) -> AsyncGenerator[Office]:
    """`environment` is that of the worker."""
    settings = load(ApiSettings, environment)
    engine = create_engine(settings.database_url, application="test")
    seal_with(engine, settings.encryption_key)
    try:
        yield Office(database, settings, engine)
    finally:
        await engine.dispose()
