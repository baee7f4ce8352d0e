"""Sends everything that is not our own logger through it: the standard library's loggers, warnings,
uncaught exceptions of the process, of threads, of event loops and of finalisers.
"""

import inspect
import logging
import sys
import threading
from types import TracebackType
from typing import Any, Final

from loguru import logger

# Third parties put request bodies, SQL parameters and tokens into DEBUG, so it stays off for all of them
# whatever our own level is. These say more than we want even at INFO: statements, full URLs, and four lines
# for every job.
_FLOOR: Final = logging.INFO
_QUIET: Final[dict[str, int]] = {
    "sqlalchemy": logging.WARNING,
    "httpx": logging.WARNING,
    "procrastinate": logging.WARNING,
}
_STANDARD_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

# For granian's `log_dictconfig`: it replaces the handlers it would write its own lines with.
GRANIAN_LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {},
    "handlers": {},
    "loggers": {
        "_granian": {"handlers": [], "level": "INFO", "propagate": True},
        # Its access lines hold the raw query string; there are none of ours (docs/logging.md).
        "granian.access": {"handlers": [], "level": "CRITICAL", "propagate": True},
    },
}


class InterceptHandler(logging.Handler):
    """Hands a standard-library record to loguru with its level, place, exception and `extra`."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - arguments that do not fit their message
            message = "log.message_malformed"
        if record.name == "asyncio" and record.exc_info:
            # What follows the first line are reprs of tasks, and so of their exceptions.
            message = message.partition("\n")[0]
        fields = {k: v for k, v in vars(record).items() if k not in _STANDARD_ATTRIBUTES}
        fields["logger"] = record.name
        exception = record.exc_info if record.exc_info and record.exc_info[1] else None
        logger.bind(**fields).opt(depth=_depth(), exception=exception).log(level, message)


def route_standard_library(level: int) -> None:
    """One handler on the root, none elsewhere. Call again after a library has installed its own."""
    root = logging.getLogger()  # noqa: TID251 - the one place that may
    root.handlers[:] = [InterceptHandler()]
    root.setLevel(max(level, _FLOOR))
    for name in list(root.manager.loggerDict):
        other = logging.getLogger(name)  # noqa: TID251 - as above
        other.handlers.clear()
        other.propagate = True
    for name, floor in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, floor))  # noqa: TID251 - as above
    # A handler that fails would print the raw message and arguments on stderr.
    logging.raiseExceptions = False
    logging.captureWarnings(capture=True)


def install_hooks() -> None:
    """Uncaught exceptions become lines; their locals and raw messages reach no stream."""
    sys.excepthook = _on_uncaught
    threading.excepthook = _on_thread
    sys.unraisablehook = _on_unraisable


def _on_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logger.opt(exception=(kind, error, traceback)).critical("process.uncaught")


def _on_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or issubclass(args.exc_type, SystemExit):
        return
    thread = args.thread.name if args.thread else None
    error = (args.exc_type, args.exc_value, args.exc_traceback)
    logger.bind(thread=thread).opt(exception=error).critical("thread.uncaught")


def _on_unraisable(args: Any) -> None:
    where = getattr(args.object, "__qualname__", type(args.object).__name__)
    error = (args.exc_type, args.exc_value, args.exc_traceback)
    logger.bind(where=where).opt(exception=error).error("process.unraisable")


def _depth() -> int:
    """Frames between our `log` call and the code that logged, so that the line names that code."""
    frame = inspect.currentframe()
    depth = 0
    while frame and (depth == 0 or frame.f_code.co_filename in {logging.__file__, __file__}):
        frame = frame.f_back
        depth += 1
    return depth - 1
