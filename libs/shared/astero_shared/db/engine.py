"""The SQLAlchemy engine of a process, and its refusal to run with more rights than it needs."""

import asyncio

from loguru import logger
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError
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
    """A pool of at most `pool_size` connections; bound values never reach an error's text.

    Raises ConfigurationError when the address is not a PostgreSQL URL.
    """
    try:
        address = make_url(url.reveal()).set(drivername="postgresql+psycopg")
    except ArgumentError:
        raise ConfigurationError("DATABASE_URL", "is not a postgresql:// address") from None
    return create_async_engine(
        address,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT_SECONDS,
        # A restarted server leaves dead sockets in the pool: LIFO keeps the rest few and warm.
        pool_use_lifo=True,
        pool_pre_ping=False,
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": application,
            "options": CONNECTION_OPTIONS,
        },
    )


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
