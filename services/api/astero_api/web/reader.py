"""The pool behind the statements of the hot path: autocommit connections that come back after an outage."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy.engine import make_url

from astero_shared.db.engine import CONNECT_TIMEOUT_SECONDS, CONNECTION_OPTIONS
from astero_shared.db.statements import Statement
from astero_shared.settings import Secret

T = TypeVar("T")

_WAIT_SECONDS: Final = 3.0
_MAX_WAITING: Final = 200
_PAUSE_SECONDS: Final = 1.0
# A pool that backs off longer than this stays away after the database has come back.
_RECONNECT_SECONDS: Final = 2.0


class Reader:
    """Open it in the lifespan of the process and close it there."""

    def __init__(self, url: Secret, *, application: str, size: int) -> None:
        self._away_until = 0.0
        address = make_url(url.reveal()).set(drivername="postgresql")
        self._pool = AsyncConnectionPool(
            address.render_as_string(hide_password=False),
            min_size=1,
            max_size=size,
            open=False,
            timeout=_WAIT_SECONDS,
            max_waiting=_MAX_WAITING,
            reconnect_timeout=_RECONNECT_SECONDS,
            kwargs={
                "autocommit": True,
                "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                "application_name": application,
                "options": CONNECTION_OPTIONS,
            },
        )

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Does not wait for the database: one that is away is met by the first reader."""
        await self._pool.open()
        try:
            yield
        finally:
            await self._pool.close()

    async def find(self, statement: Statement[T], **values: Any) -> T | None:
        """One statement, repeated once on a fresh connection where the first turned out to be dead.

        Raises psycopg.OperationalError when the database cannot be reached: after three seconds, or at once
        while the last attempt failed less than a second ago.
        """
        if time.monotonic() < self._away_until:
            raise PoolTimeout("the database was away a moment ago")
        try:
            return await self._find(statement, values)
        except PoolTimeout:
            self._away_until = time.monotonic() + _PAUSE_SECONDS
            raise
        except psycopg.OperationalError as error:
            if not _is_lost(error):
                raise
        # A restarted server leaves a pool of dead sockets: they go together, not one per request.
        await self._pool.check()
        return await self._find(statement, values)

    async def _find(self, statement: Statement[T], values: dict[str, Any]) -> T | None:
        async with self._pool.connection() as connection:
            return await statement.find(connection, **values)


def _is_lost(error: psycopg.OperationalError) -> bool:
    # 57P: the server ended the session; no SQLSTATE: the socket is gone
    return error.sqlstate is None or error.sqlstate.startswith("57P")
