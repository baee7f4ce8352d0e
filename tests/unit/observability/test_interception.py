"""Everything that writes without us comes through us: standard library, warnings, uncaught exceptions."""

import asyncio
import gc
import io
import logging
import logging.config
import sys
import threading
import warnings

import pytest
from granian.log import LogLevels, configure_logging
from loguru import logger
from support.log_capture import captured_log

from astero_shared.observability.interception import (
    GRANIAN_LOGGING,
    route_standard_library,
)


def named(name: str) -> logging.Logger:
    return logging.getLogger(name)  # noqa: TID251 - what third parties do


def test_a_third_partys_line_has_its_logger_level_place_and_extra() -> None:
    with captured_log() as log:
        named("discord.gateway").warning("shard %s lagged", 3, extra={"job": {"id": 7}})
    line = log.last
    assert (line["level"], line["msg"], line["logger"]) == (40, "shard 3 lagged", "discord.gateway")
    assert line["job"] == {"id": 7}


def test_handlers_of_loggers_already_there_are_removed_and_later_loggers_come_too() -> None:
    own = io.StringIO()
    early = named("some.library")
    early.addHandler(logging.StreamHandler(own))
    early.propagate = False
    with captured_log() as log:
        early.warning("from early")
        named("some.library.made.later").warning("from later")
    assert own.getvalue() == ""
    assert [line["msg"] for line in log.lines] == ["from early", "from later"]


def test_a_library_that_sets_itself_up_later_is_taken_back() -> None:
    own = io.StringIO()
    with captured_log() as log:
        named("late").addHandler(logging.StreamHandler(own))
        named("late").propagate = False
        route_standard_library(logging.INFO)
        named("late").info("x")
    assert own.getvalue() == ""
    assert log.last["msg"] == "x"


def test_granian_writes_through_us_and_its_raw_access_line_stays_off() -> None:
    with captured_log() as log:
        configure_logging(LogLevels.info, GRANIAN_LOGGING)
        named("_granian").info("Starting worker-1")
        named("granian.access").info("GET /?token=x")
    assert [line["msg"] for line in log.lines] == ["Starting worker-1"]


def test_third_parties_never_log_at_debug_and_sql_and_urls_not_at_info() -> None:
    with captured_log(level="TRACE") as log:
        named("discord.http").debug("payload")
        named("sqlalchemy.engine.Engine").info("SELECT 1")
        named("httpx").info("GET https://x/?code=1")
    assert log.text == ""


def test_arguments_that_do_not_fit_are_no_reason_to_print_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with captured_log() as log:
        named("x").error("%d %d", "Zq7canary")
    assert log.last["msg"] == "log.message_malformed"
    assert "Zq7canary" not in "".join(capsys.readouterr()) + log.text


def test_warnings_become_lines() -> None:
    with captured_log() as log:
        warnings.warn("password=hunter2hunter2", stacklevel=1)
    assert log.last["logger"] == "py.warnings"
    assert "UserWarning: password=[redacted:" in log.last["msg"]


def test_an_uncaught_exception_is_one_fatal_line(capsys: pytest.CaptureFixture[str]) -> None:
    with captured_log() as log:
        sys.excepthook(ValueError, ValueError("token=abcdef99"), None)
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert [(line["level"], line["msg"]) for line in log.lines] == [(60, "process.uncaught")]
    assert "abcdef99" not in log.text + "".join(capsys.readouterr())


def test_an_exception_in_a_thread_is_a_line_and_an_exit_is_not() -> None:
    def fail() -> None:
        raise ValueError("token=abcdef99")

    with captured_log() as log:
        for target in (fail, sys.exit):
            thread = threading.Thread(target=target, name="the-thread")
            thread.start()
            thread.join()
    assert [(line["msg"], line["thread"]) for line in log.lines] == [("thread.uncaught", "the-thread")]
    assert "abcdef99" not in log.text


def test_an_exception_in_a_finaliser_is_a_line() -> None:
    class Closing:
        def __del__(self) -> None:
            raise ValueError("token=abcdef99")

    gc.collect()  # what tests before have left has its say before
    with captured_log() as log:
        closing = Closing()
        del closing
    assert log.last["msg"] == "process.unraisable"
    assert "abcdef99" not in log.text


async def test_a_forgotten_tasks_exception_is_a_line() -> None:
    async def fail() -> None:
        raise ValueError("the message is abcdef99")

    gc.collect()  # as above
    with captured_log(secrets=["abcdef99"]) as log:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        del task
        gc.collect()
    assert log.last["level"] == 50
    assert log.last["err"]["type"] == "ValueError"
    assert "Task exception was never retrieved" in log.text
    assert "future:" not in log.text  # its repr holds the raw exception
    assert "abcdef99" not in log.text


def test_a_logger_patched_afterwards_adds_nothing_raw() -> None:
    with captured_log() as log:
        logger.patch(lambda record: record["extra"].update(password="Zq7canary")).info("x")
    assert "Zq7canary" not in log.text
