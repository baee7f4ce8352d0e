"""One request is one transaction: committed before the answer starts, rolled back by any exception.

It is the only generator dependency there may be: the framework finishes several at once and wraps their
errors.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final

from litestar import Request
from loguru import logger
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_api.web.csrf import SAFE_METHODS
from astero_shared.db.session import reading, transaction
from astero_shared.errors import AsteroError

Action = Callable[[], Awaitable[object]]

_ACTION_SECONDS: Final = 5.0


class AfterCommit:
    """Runs what may follow a commit and must not hold it up: nudges, whose loss costs seconds, not data."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, action: Action) -> None:
        task = asyncio.create_task(self._run(action))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait for what is under way; each action ends by its own time limit."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @staticmethod
    async def _run(action: Action) -> None:
        try:
            async with asyncio.timeout(_ACTION_SECONDS):
                await action()
        except Exception as error:  # noqa: BLE001 - the engine also looks by itself every few seconds
            logger.info("a nudge was lost: {}", type(error).__name__)


class UnitOfWork:
    """`session` joins the request's transaction at its first statement, not before: a handler that must ask
    Discord or hash a password first does so while no connection is held.
    """

    def __init__(self, session: AsyncSession, engine: AsyncEngine) -> None:
        self.session = session
        self.engine = engine
        self._actions: list[Action] = []
        self._steps: list[Callable[[], None]] = []
        self._refusal: AsteroError | None = None

    def after_commit(self, action: Action) -> None:
        """Run `action` in the background once the transaction stands; dropped when it rolls back."""
        self._actions.append(action)

    def on_commit(self, step: Callable[[], None]) -> None:
        """Run `step` right after the commit, before the answer starts: no cookie for what was not kept."""
        self._steps.append(step)

    def refuse_after_commit(self, refusal: AsteroError) -> None:
        """Keep what was written and still answer with an error: a stolen token ends its session."""
        self._refusal = refusal

    def finish(self, background: AfterCommit) -> None:
        for step in self._steps:
            step()
        for action in self._actions:
            background.start(action)
        if self._refusal is not None:
            raise self._refusal


async def provide_unit_of_work(
    request: Request[Any, Any, Any],
) -> AsyncGenerator[UnitOfWork]:
    """Safe methods read without BEGIN; all others are one transaction."""
    engine: AsyncEngine = request.app.state.database
    opened = reading(engine) if request.method in SAFE_METHODS else transaction(engine)
    async with opened as session:
        unit = UnitOfWork(session, engine)
        yield unit
    unit.finish(request.app.state.after_commit)
