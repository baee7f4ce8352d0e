"""Passwords: bcrypt over base64(HMAC-SHA384(pepper, password)), in a bounded pool of its own.

Nothing is truncated at bcrypt's 72 bytes, the event loop never waits for a hash, and an unknown account costs
what a known one does.
"""

import asyncio
import base64
import hmac
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha384
from typing import Final, TypeVar

import bcrypt

from astero_shared.crypto.keyring import Keyring
from astero_shared.errors import UnavailableError

T = TypeVar("T")

COST: Final = 14
"""The security page. Lower only in tests: a hash takes about a second."""
_QUEUE: Final = 16
_WAIT_SECONDS: Final = 5.0
_NICER: Final = 10
_PEPPER_MARK: Final = "$p"


class PasswordHashes:
    """Stored as bcrypt's own text and the id of the pepper: `$2b$14$…$p1`."""

    def __init__(self, pepper: Keyring, *, cost: int = COST) -> None:
        self._pepper = pepper
        self._cost = cost
        threads = max(1, (os.cpu_count() or 1) - 1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="bcrypt", initializer=_step_back)
        self._free = asyncio.Semaphore(threads)
        self._waiting = 0
        # never the hash of anything: only the work of checking against it counts
        self._dummy = bcrypt.gensalt(cost).decode() + "." * 31 + f"{_PEPPER_MARK}{pepper.current_id}"

    async def make(self, password: str) -> str:
        """Raises UnavailableError `auth.busy` when too many others wait."""
        peppered = self._peppered(password, self._pepper.current_id)

        async def work() -> Callable[[], bytes]:
            return lambda: bcrypt.hashpw(peppered, bcrypt.gensalt(self._cost))

        made = await self._run(work)
        return f"{made.decode()}{_PEPPER_MARK}{self._pepper.current_id}"

    async def check(self, password: str, stored: str | None) -> bool:
        """Whether `password` is the one behind `stored`; None costs the same and is never right.

        Raises UnavailableError `auth.busy` when too many others wait.
        """

        async def known() -> str | None:
            return stored

        return await self.check_found(password, known)

    async def check_found(self, password: str, find: Callable[[], Awaitable[str | None]]) -> bool:
        """As `check`, for what `find` answers.

        It is asked when the turn has come: of forty who arrive together most are told to come back, and must
        not have cost the database a look first.
        """
        known = True

        async def work() -> Callable[[], bool]:
            nonlocal known
            stored = await find()
            known = stored is not None
            hashed, mark, key_id = (stored or self._dummy).rpartition(_PEPPER_MARK)
            peppered = self._peppered(password, int(key_id)) if mark and key_id.isdigit() else b""
            return lambda: _matches(peppered, hashed)

        return await self._run(work) and known

    def refuse_when_full(self) -> None:
        """Raises UnavailableError `auth.busy` where nobody more may wait: the cheapest refusal there is."""
        if self._waiting >= _QUEUE:
            raise _busy()

    def is_outdated(self, stored: str) -> bool:
        """Made with another cost or another pepper than today's."""
        prefix, suffix = f"$2b${self._cost:02d}$", f"{_PEPPER_MARK}{self._pepper.current_id}"
        return not (stored.startswith(prefix) and stored.endswith(suffix))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _peppered(self, password: str, key_id: int) -> bytes:
        key = self._pepper.find_key(key_id)
        if key is None:
            return b""
        # base64: a digest may hold NUL, at which bcrypt stops reading
        return base64.b64encode(hmac.new(key, password.encode(), sha384).digest())

    async def _run(self, prepare: Callable[[], Awaitable[Callable[[], T]]]) -> T:
        """What `prepare` answers is run in the pool; both happen when the turn has come."""
        self.refuse_when_full()
        self._waiting += 1
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1
        try:
            work = await prepare()
            job = asyncio.get_running_loop().run_in_executor(self._threads, work)
        except BaseException:
            self._free.release()
            raise
        # freed by the thread's end, not by the caller's: a client that hangs up frees no processor
        job.add_done_callback(lambda _: self._free.release())
        return await asyncio.shield(job)


def _busy() -> UnavailableError:
    return UnavailableError(code="auth.busy", retry_after=5)


def _step_back() -> None:
    """A hash keeps a processor busy for a second; whoever serves requests meanwhile goes first."""
    if sys.platform == "linux":
        # there each thread has a priority of its own; elsewhere it would be the whole process's
        niceness = os.getpriority(os.PRIO_PROCESS, os.getpid()) + _NICER
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


def _matches(peppered: bytes, hashed: str) -> bool:
    try:
        return bcrypt.checkpw(peppered, hashed.encode())
    except ValueError:
        return False
