"""The connections behind the statements of the hot path: few, warm, in autocommit, back after an outage.

A pool library's checkout costs a third of such a statement when requests wait for one another (measured), so
the lines are kept by hand: a stack, a queue of waiters, and a cursor that is made once.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy.engine import make_url

from astero_shared.db.engine import CONNECT_TIMEOUT_SECONDS, CONNECTION_OPTIONS
from astero_shared.db.statements import Statement
from astero_shared.settings import Secret

T = TypeVar("T")

_WAIT_SECONDS: Final = 3.0
_MAX_WAITING: Final = 200
_PAUSE_SECONDS: Final = 1.0


@dataclass(slots=True)
class _Line:
    connection: psycopg.AsyncConnection[Any]
    cursor: psycopg.AsyncCursor[Any]

    @property
    def is_usable(self) -> bool:
        # a statement that was cancelled half-way leaves its answer in the socket
        status = self.connection.pgconn.transaction_status
        return not self.connection.closed and status == TransactionStatus.IDLE


class AwayError(psycopg.OperationalError):
    """No connection to be had: the database is away, or busier than its time limit."""


class Reader:
    """At most `size` connections, opened when first needed. Use it inside `running()`."""

    def __init__(self, url: Secret, *, application: str, size: int) -> None:
        address = make_url(url.reveal()).set(drivername="postgresql")
        self._address = address.render_as_string(hide_password=False)
        self._application = application
        self._size = size
        self._idle: list[_Line] = []
        self._open = 0
        self._waiting: deque[asyncio.Future[_Line | None]] = deque()
        self._away_until = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Does not wait for the database: one that is away is met by the first reader."""
        try:
            yield
        finally:
            self._size = 0
            await self._drop_idle()

    async def find(self, statement: Statement[T], **values: Any) -> T | None:
        """One statement, repeated once on a fresh connection where the first turned out to be dead.

        Raises psycopg.OperationalError when the database cannot be reached: after three seconds, or at once
        while the last attempt failed less than a second ago.
        """
        if time.monotonic() < self._away_until:
            raise AwayError("the database was away a moment ago")
        try:
            return await self._find(statement, values)
        except AwayError:
            self._away_until = time.monotonic() + _PAUSE_SECONDS
            raise
        except psycopg.OperationalError as error:
            if not _is_lost(error):
                raise
        # A restarted server leaves a stack of dead sockets: they go together, not one per request.
        await self._drop_idle()
        return await self._find(statement, values)

    async def _find(self, statement: Statement[T], values: dict[str, Any]) -> T | None:
        line = self._idle.pop() if self._idle else await self._wait()
        try:
            return await statement.find(line.cursor, **values)
        finally:
            self._give(line)

    async def _wait(self) -> _Line:
        if self._open < self._size:
            self._open += 1
            return await self._connect()
        if len(self._waiting) >= _MAX_WAITING:
            raise AwayError("too many wait for a connection")
        turn: asyncio.Future[_Line | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                line = await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                # given in the same moment: it must not be lost with us
                self._give(turn.result())
            if isinstance(error, TimeoutError):
                raise AwayError("no connection became free in time") from None
            raise
        return line or await self._connect()

    async def _connect(self) -> _Line:
        """In a place that is counted already."""
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._address,
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                application_name=self._application,
                options=CONNECTION_OPTIONS,
            )
        except BaseException as error:
            self._give(None)
            if isinstance(error, psycopg.OperationalError):
                raise AwayError("the database cannot be reached") from None
            raise
        return _Line(connection, connection.cursor(binary=True))

    def _give(self, line: _Line | None) -> None:
        """To whoever waits longest. None, or a line that is of no more use, is leave to open another."""
        if line is not None and not (line.is_usable and self._size):
            # closing without waiting: the answer to a goodbye is nobody's concern
            line.connection.pgconn.finish()
            line = None
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(line)
                return
        if line is None:
            self._open -= 1
        else:
            self._idle.append(line)

    async def _drop_idle(self) -> None:
        dropped, self._idle = self._idle, []
        self._open -= len(dropped)
        for line in dropped:
            await line.connection.close()


def _is_lost(error: psycopg.OperationalError) -> bool:
    # 57P: the server ended the session; no SQLSTATE: the socket is gone
    return error.sqlstate is None or error.sqlstate.startswith("57P")
