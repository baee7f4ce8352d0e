"""The only way out for a log line: loguru, one sink, JSON lines as pino writes them.

`configure` is called once, first thing, in every process; afterwards everybody uses `from loguru import
logger`. Refuses nothing at run time: a line that cannot be made safe is replaced by its event name.
"""

import logging
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

import msgspec
from loguru import logger

from astero_shared.observability.interception import install_hooks, route_standard_library
from astero_shared.observability.lines import LineWriter, request_facts, request_id
from astero_shared.observability.redaction import register_secret
from astero_shared.observability.security_events import SPARING

_LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def configure(
    *,
    service: str,
    level: str = "INFO",
    secrets: Iterable[object] = (),
    stream: TextIO | None = None,
) -> None:
    """Route every line of this process to `stream` (standard output unless told) as `service`.

    `secrets` are hidden by value from the first line on: text, bytes, `Secret`, `SecretRing`, `Keyring`;
    `secrets_of(settings)` finds them. Raises ValueError for an unknown level. May be called again.
    """
    level = level.upper()
    if level not in _LEVELS:
        raise ValueError(f"a log level is one of {', '.join(_LEVELS)}")
    for secret in secrets:
        register_secret(secret)
    SPARING.forget()
    logger.remove()
    logger.configure(patcher=LineWriter(service))  # pyright: ignore[reportArgumentType]
    logger.add(
        _writer(stream or sys.stdout),
        level=level,
        format="{message}",
        colorize=False,
        backtrace=False,
        diagnose=False,
    )
    route_standard_library(getattr(logging, level, logging.DEBUG))
    install_hooks()


def secrets_of(settings: msgspec.Struct) -> Iterator[object]:
    """The secret-typed fields of a settings struct, for `configure` and `register_secret`."""
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if hasattr(value, "reveal") or hasattr(value, "reveal_all"):
            yield value


@contextmanager
def request(identifier: str, **facts: str) -> Generator[None]:
    """Lines written inside carry `identifier` as reqId, in this task and in those it starts.

    `facts` (`method`, `url` without its query) stand in the lines of errors and of security events.
    """
    token = request_id.set(identifier)
    known = request_facts.set(facts)
    try:
        yield
    finally:
        request_facts.reset(known)
        request_id.reset(token)


def add_request_facts(**facts: str) -> None:
    """What becomes known of the request we are in, such as its `user`."""
    known = request_facts.get()
    if known is not None:
        known.update(facts)


def _writer(stream: TextIO) -> Callable[[str], None]:
    def write(line: str) -> None:
        # One write per line: processes sharing a pipe interleave between lines, not inside them.
        stream.write(line)
        stream.flush()

    return write
