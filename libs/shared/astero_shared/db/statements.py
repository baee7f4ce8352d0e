"""The short way to read: a SELECT compiled once at import and run on a plain psycopg cursor.

SQLAlchemy's asyncio layer costs about 400 µs of CPU per statement against 100 µs here (measured with uvloop),
which is most of what an authenticated GET may cost. So the few statements of the hot path are written as
expressions on our tables like all others, and only their execution is short. Whatever writes uses db.session.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import psycopg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

T = TypeVar("T")


class Statement(Generic[T]):
    """A SELECT whose values are bindparam()s; `shape` is called with the columns of a row."""

    def __init__(self, query: Select[Any], shape: Callable[..., T]) -> None:
        compiled = query.compile(dialect=PGDialect_psycopg())
        self._sql = str(compiled).encode()
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._shape = shape

    async def find(self, cursor: psycopg.AsyncCursor[Any], **values: Any) -> T | None:
        """The first row, or None. Every bindparam() of the statement must be given."""
        await cursor.execute(self._sql, self._constants | values)
        row = await cursor.fetchone()
        return None if row is None else self._shape(*row)
