"""Suspending an account and taking that back: status, sessions, bots and audit in one transaction.

The sessions end with the next request, because each one asks PostgreSQL; the bots leave when their engine
looks next. Nothing is deleted. It is done with the rights of `astero_operator`, which reads no secret.
"""

import getpass
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import procrastinate
from sqlalchemy import text, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_ops.settings import OperatorSettings
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.db.engine import create_engine
from astero_shared.db.session import transaction
from astero_shared.features.accounts.rules import email_key
from astero_shared.features.accounts.tables import User
from astero_shared.features.bots.tables import Bot
from astero_shared.features.sessions.tables import Session
from astero_shared.scope import Actor

OPERATOR: Final = Actor(kind="system", id="operator")
_TELL_TASK: Final = "accounts.tell_suspended"
# never opened: the job is written on the connection of the transaction
_QUEUE: Final = procrastinate.App(connector=procrastinate.PsycopgConnector())

Status = Literal["active", "suspended"]


class AccountRefusedError(Exception):
    """There is no such account, or nothing can be done with it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`changed` is False where it was so already; `sessions` and `bots` say how many were ended or moved."""

    account_id: UUID
    changed: bool
    sessions: int = 0
    bots: int = 0


async def set_status(settings: OperatorSettings, account: str, *, status: Status, reason: str) -> Outcome:
    """`account` is its address or its id. Twice is once. Raises AccountRefusedError, SQLAlchemyError."""
    engine = create_engine(settings.database_url, application="astero_operator", pool_size=1)
    try:
        async with transaction(engine) as session:
            await session.exec(text("SET LOCAL ROLE astero_operator"))  # pyright: ignore[reportCallIssue, reportArgumentType]
            account_id, before = await _lock(session, account)
            if before == status:
                return Outcome(account_id, changed=False)
            now = utc_now()
            if status == "suspended":
                outcome = await _suspend(session, account_id, now)
            else:
                outcome = await _restore(session, account_id, now)
            await _tell(session, outcome, status, reason)
            return outcome
    finally:
        await engine.dispose()


async def _lock(session: AsyncSession, account: str) -> tuple[UUID, str]:
    try:
        wanted = col(User.id) == UUID(account)
    except ValueError:
        wanted = col(User.email_key) == email_key(account)
    found = (await session.exec(select(User.id, User.status).where(wanted).with_for_update())).one_or_none()
    if found is None:
        raise AccountRefusedError("there is no such account")
    if found[1] == "deleted":
        raise AccountRefusedError("this account was deleted")
    return found


async def _suspend(session: AsyncSession, account_id: UUID, now: datetime) -> Outcome:
    await session.exec(
        update(User)
        .where(col(User.id) == account_id)
        .values(status="suspended", token_version=User.token_version + 1)
    )
    ended = await session.exec(
        update(Session)
        .where(col(Session.user_id) == account_id, col(Session.revoked_at).is_(None))
        .values(revoked_at=now)
    )
    left = await session.exec(
        update(Bot)
        .where(
            col(Bot.owner_user_id) == account_id,
            col(Bot.suspended_at).is_(None),
            col(Bot.removed_at).is_(None),
        )
        .values(suspended_at=now, updated_at=now)
    )
    connection = await (await session.connection()).get_raw_connection()
    job = _QUEUE.configure_task(_TELL_TASK, connection=connection.driver_connection)
    await job.defer_async(account_id=str(account_id))
    return Outcome(account_id, changed=True, sessions=ended.rowcount, bots=left.rowcount)


async def _restore(session: AsyncSession, account_id: UUID, now: datetime) -> Outcome:
    await session.exec(update(User).where(col(User.id) == account_id).values(status="active"))
    back = await session.exec(
        update(Bot)
        .where(col(Bot.owner_user_id) == account_id, col(Bot.suspended_at).is_not(None))
        .values(suspended_at=None, updated_at=now)
    )
    return Outcome(account_id, changed=True, bots=back.rowcount)


async def _tell(session: AsyncSession, outcome: Outcome, status: Status, reason: str) -> None:
    """Who did it and why is the platform's; that it was done is also the account's, which its user reads."""
    action = AuditAction.ACCOUNT_SUSPENDED if status == "suspended" else AuditAction.ACCOUNT_RESTORED
    details = {"sessions": outcome.sessions, "bots": outcome.bots}
    await write_audit(
        session,
        actor=OPERATOR,
        action=action,
        account_id=outcome.account_id,
        target=str(outcome.account_id),
        details=details,
    )
    await write_audit(
        session,
        actor=OPERATOR,
        action=action,
        target=str(outcome.account_id),
        details=details,
        personal={"reason": reason, "login": getpass.getuser()},
    )
