"""One running part of a stack, in a test's or an operator's hands."""

import threading

from astero_sandbox.readiness import NotReadyError, Probe, wait_until
from astero_sandbox.supervisor import Supervised

READY_SECONDS = 60.0
# Three ends in a row before it was ever ready: it will not get better by itself.
_HOPELESS_EXITS = 3


class Part:
    """Blocking; in async tests use `asyncio.to_thread`. `url` is where it answers, None for a worker."""

    def __init__(
        self, supervised: Supervised, *, url: str | None, probe: Probe, stopping: threading.Event
    ) -> None:
        self.url = url
        self._supervised = supervised
        self._probe = probe
        self._stopping = stopping

    @property
    def name(self) -> str:
        return self._supervised.name

    @property
    def pid(self) -> int | None:
        """None while it is down."""
        return self._supervised.pid

    @property
    def printed(self) -> str:
        """Its last lines."""
        return "\n".join(self._supervised.tail)

    def is_ready(self) -> bool:
        return self._supervised.is_running and self._probe()

    def hopeless_from_now(self) -> Probe:
        """Says yes once it refused its configuration, or ended again and again."""
        before = self._supervised.exits
        return lambda: self._supervised.refused or self._supervised.exits - before >= _HOPELESS_EXITS

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Raises NotReadyError with its last lines, or InterruptedStartError."""
        hopeless = self.hopeless_from_now()
        if not wait_until(self.is_ready, seconds=seconds, stopping=self._stopping, hopeless=hopeless):
            raise self.not_ready()

    def not_ready(self) -> NotReadyError:
        return NotReadyError(f"{self.name} did not become ready. Its last lines:\n{self.printed}")

    def kill(self) -> None:
        """`kill -9` of its first process; the supervisor starts it again."""
        self._supervised.kill()

    def wait_gone(self, pid: int | None) -> None:
        """Until the process of that number is no longer the one that runs here."""
        self._supervised.wait_gone(pid)

    def signal(self, number: int) -> None:
        self._supervised.signal(number)

    def stop(self) -> None:
        """An ordinary end; it stays down until `start()`."""
        self._supervised.stop()

    def start(self) -> None:
        """Does not wait: `wait_ready()` does."""
        self._supervised.start()
