"""Asking a part whether it is ready, without an exception for no."""

import threading
import time
from collections.abc import Callable
from http import HTTPStatus

import httpx

Probe = Callable[[], bool]
_POLL_SECONDS = 0.05
_ANSWER_SECONDS = 3.0


class InterruptedStartError(Exception):
    """Somebody asked us to stop while we waited."""


class NotReadyError(Exception):
    """It did not become ready; the message ends with the last lines it printed."""


def answers(url: str, *, bearer: str | None = None) -> Probe:
    """Ready when GET answers 200."""
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}

    def probe() -> bool:
        try:
            # On this machine: no proxy, and no TLS, whose certificates take longer to read than an answer.
            with httpx.Client(trust_env=False, verify=False, timeout=_ANSWER_SECONDS) as client:  # noqa: S501
                return client.get(url, headers=headers).status_code == HTTPStatus.OK
        except httpx.HTTPError:
            return False

    return probe


def wait_until(
    probe: Probe, *, seconds: float, stopping: threading.Event, hopeless: Probe = lambda: False
) -> bool:
    """False when it took longer or is `hopeless`. Raises InterruptedStartError once `stopping` is set."""
    deadline = time.monotonic() + seconds
    while not probe():
        over = time.monotonic() > deadline or hopeless()
        if stopping.wait(0 if over else _POLL_SECONDS):
            raise InterruptedStartError
        if over:
            return False
    return True
