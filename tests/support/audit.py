"""Entries as the services write them, and damage as only the owner of the database server can do it."""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from click.testing import Result
from sqlalchemy.ext.asyncio import AsyncEngine
from support.seeds import SCOPE
from support.stack import Database

from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.db.session import transaction
from astero_shared.scope import SYSTEM, Actor, GuildScope

Verify = Callable[..., Result]
DETAILS: dict[str, Any] = {
    "number": 1,
    "reason": 'été\n\u0001"\\',
    "bb": [None, True],
    "a": {"ü": "", "z": -1},
}


async def write(
    engine: AsyncEngine, target: str = "1", *, scope: GuildScope = SCOPE, actor: Actor = SYSTEM
) -> None:
    async with transaction(engine) as session:
        await write_audit(
            session,
            actor=actor,
            action=AuditAction.CASE_OPENED,
            bot_id=scope.bot_id,
            guild_id=scope.guild_id,
            target=target,
            details=DETAILS,
        )


async def write_many(engine: AsyncEngine, count: int) -> None:
    for number in range(1, count + 1):
        await write(engine, str(number))


def damage(database: Database, *statements: str) -> None:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER")
        for statement in statements:
            connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]
        connection.execute("ALTER TABLE audit_entries ENABLE TRIGGER USER")


def ask(database: Database, query: str, *values: object) -> Sequence[tuple[Any, ...]]:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        return connection.execute(query, values).fetchall()  # pyright: ignore[reportArgumentType, reportCallIssue]
