"""One request or one job is one transaction: commit at the end, roll back on any exception."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

LastStep = Callable[[AsyncSession], Awaitable[None]]

_LAST_STEPS: Final = "last_steps"


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncGenerator[AsyncSession, None]:
    """A session whose work is committed when the block ends without an exception."""
    steps: list[LastStep] = []
    async with (
        AsyncSession(engine, expire_on_commit=False, info={_LAST_STEPS: steps}) as session,
        session.begin(),
    ):
        yield session
        for step in steps:
            await step(session)


def before_commit(session: AsyncSession, step: LastStep) -> None:
    """Run `step` when the block of `transaction` has ended well, just before the commit.

    For what takes a lock that others should wait for no longer. Raises RuntimeError for any other session.
    """
    steps: list[LastStep] | None = session.info.get(_LAST_STEPS)
    if steps is None:
        raise RuntimeError("this session commits each statement by itself")
    steps.append(step)


async def in_batches(engine: AsyncEngine, work: Callable[[AsyncSession], Awaitable[int]]) -> int:
    """Calls `work` until it answers 0, each time in a short transaction of its own; answers the sum.

    Deleting thousands of rows in one would hold up whoever needs one of them.
    """
    done = 0
    while True:
        async with transaction(engine) as session:
            batch = await work(session)
        if not batch:
            return done
        done += batch


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncGenerator[AsyncSession, None]:
    """A session that only reads: each statement stands alone, so no BEGIN and COMMIT travel."""
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with AsyncSession(autocommit, expire_on_commit=False) as session:
        yield session
