"""The SQLAlchemy engine of a process, and its refusal to run with more rights than it needs."""

import asyncio
import select
from typing import Any

import psycopg
from loguru import logger
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from astero_shared.settings import ConfigurationError, Secret

CONNECT_TIMEOUT_SECONDS = 3
_POOL_TIMEOUT_SECONDS = 3
_RETRY_SECONDS = 1.0
# Milliseconds: no statement, lock or forgotten transaction holds a connection longer.
CONNECTION_OPTIONS = (
    "-c statement_timeout=10000 -c lock_timeout=4000"
    " -c idle_in_transaction_session_timeout=10000 -c timezone=UTC"
)


def create_engine(url: Secret, *, application: str, pool_size: int = 8) -> AsyncEngine:
    """A pool of at most `pool_size` connections; bound values never reach an error's text."""
    engine = create_async_engine(
        make_url(url.reveal()).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT_SECONDS,
        pool_use_lifo=True,
        # Costs a round trip for each transaction; looking at the socket costs none.
        pool_pre_ping=False,
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": application,
            "options": CONNECTION_OPTIONS,
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_dead)
    return engine


def _refuse_dead(connection: Any, _record: object, _proxy: object) -> None:
    """A server that restarted leaves dead connections in the pool; nobody's request should find them.

    An idle connection has nothing to read. Where there is something, it is the end of it or the server's
    farewell: the whole pool is opened anew.
    """
    try:
        look = select.poll()
        look.register(connection.driver_connection.fileno(), select.POLLIN)
        readable = bool(look.poll(0))
    except psycopg.OperationalError:
        readable = True
    if readable:
        raise InvalidatePoolError("the server has closed the connection")


async def assert_least_privilege(engine: AsyncEngine) -> None:
    """Refuse to run as a superuser, as a role that bypasses row security, or as (a member of) the owner."""
    async with engine.connect() as connection:
        row = (
            await connection.execute(
                text(
                    "SELECT current_user, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb,"
                    " EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                    "  WHERE n.nspname = 'public' AND pg_has_role(current_user, c.relowner, 'MEMBER'))"
                    " FROM pg_roles WHERE rolname = current_user"
                )
            )
        ).one()
    role, privileged, owns = row
    if privileged or owns:
        what = "an administrator" if privileged else "the owner of the tables"
        raise ConfigurationError(
            "DATABASE_URL",
            f"role {role} is {what}; use the least-privilege role of this service",
        )


async def reach_database(engine: AsyncEngine) -> None:
    """Wait for a database that is still starting; raise ConfigurationError for too many rights.

    A process serves nobody before its role is known: what cannot be checked is not trusted.
    """
    while True:
        try:
            await assert_least_privilege(engine)
        except (OperationalError, PoolTimeoutError) as error:
            logger.warning("waiting for the database", error=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return
