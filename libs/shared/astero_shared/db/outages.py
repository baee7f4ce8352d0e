"""Whether a database error passes by itself: the server is away, restarts, fails over or is overloaded.

Everything else (a value it refuses, a missing right) is a bug here, and trying again would not mend it.
"""

import re
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# SQLSTATE: connection (08), operator intervention (57), resources (53), lock timeout (55P03),
# serialization failure and deadlock (40001, 40P01), read-only after a failover (25006).
_PASSING: Final = re.compile(r"08...|57...|53...|55P03|40001|40P01|25006")


def is_away(error: BaseException) -> bool:
    """True when the same statement may work in a moment."""
    if isinstance(error, PoolTimeoutError | ConnectionError):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig or error
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError)
    return _PASSING.fullmatch(error.sqlstate) is not None
