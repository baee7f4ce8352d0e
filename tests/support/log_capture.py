"""The real logging set-up with its output in memory, and the process as it was afterwards."""

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

from loguru import logger

from astero_shared.observability import logs


class CapturedLog:
    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.split("\n")[:-1]]

    @property
    def last(self) -> dict[str, Any]:
        return self.lines[-1]


@contextmanager
def captured_log(
    *, level: str = "TRACE", secrets: Iterable[object] = (), service: str = "test"
) -> Generator[CapturedLog]:
    root = logging.getLogger()  # noqa: TID251 - what the set-up changes is put back
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook, sys.unraisablehook)
    captured = CapturedLog()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.configure(service=service, level=level, secrets=secrets, stream=captured.stream)
        try:
            yield captured
        finally:
            logging.captureWarnings(capture=False)
            logging.raiseExceptions = True
            root.handlers[:], sys.excepthook = before[0], before[2]
            root.setLevel(before[1])
            threading.excepthook, sys.unraisablehook = before[3], before[4]
            logger.remove()
            logger.configure(patcher=lambda _record: None)
