"""The form of a line: pino's fields, one line each, ASCII, at most 16 KiB, valid whatever goes in."""

import asyncio
import json
import os
import socket
import time
from typing import Any, Never

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loguru import logger
from support.log_capture import captured_log

from astero_shared.observability import logs
from astero_shared.observability.lines import MAX_LINE

CANARY = "Zq7canaryZq7"


def test_a_line_has_pinos_fields_in_pinos_order() -> None:
    before = int(time.time() * 1000)
    with captured_log(service="api") as log:
        logger.bind(botId="b").info("bot is {state}", state="online")
    line = log.last
    assert list(line) == ["level", "time", "pid", "hostname", "service", "version", "msg", "botId", "state"]
    assert line["level"] == 30
    assert before <= line["time"] <= int(time.time() * 1000)
    assert line["pid"] == os.getpid()
    assert line["hostname"] == socket.gethostname()
    assert (line["service"], line["msg"], line["state"]) == ("api", "bot is online", "online")


@pytest.mark.parametrize(
    ("name", "number"),
    [("trace", 10), ("debug", 20), ("info", 30), ("warning", 40), ("error", 50), ("critical", 60)],
)
def test_levels_have_pinos_numbers(name: str, number: int) -> None:
    with captured_log() as log:
        getattr(logger, name)("x")
    assert log.last["level"] == number


def test_lines_under_the_level_are_not_written_and_an_unknown_level_is_refused() -> None:
    with captured_log(level="warning") as log:
        logger.info("x")
    assert log.text == ""
    with pytest.raises(ValueError, match="WARNING"):
        logs.configure(service="x", level="LOUD")


def test_fields_cannot_replace_the_head() -> None:
    fields = dict.fromkeys(
        ("level", "time", "pid", "hostname", "service", "version", "msg", "reqId", "err"), "forged"
    )
    with captured_log(service="api") as log:
        logger.bind(**fields).info("true")
    assert (log.last["level"], log.last["service"], log.last["msg"]) == (30, "api", "true")
    assert log.last["level_"] == "forged"


async def test_the_request_id_follows_the_task_and_ends_with_it() -> None:
    async def work(name: str) -> None:
        with logs.request(name):
            await asyncio.sleep(0)
            logger.info(name)
            await asyncio.to_thread(logger.info, name)

    with captured_log() as log:
        await asyncio.gather(work("req-a"), work("req-b"))
        logger.info("outside")
    assert len(log.lines) == 5
    assert all(line["reqId"] == line["msg"] for line in log.lines[:-1])
    assert "reqId" not in log.last


def test_a_line_may_bring_its_request_id_itself() -> None:
    with captured_log() as log:
        logger.error("x", reqId="req-a")
        with logs.request("req-b"):
            logger.error("x", reqId="req-b")
    assert [line["reqId"] for line in log.lines] == ["req-a", "req-b"]
    assert list(log.last) == ["level", "time", "pid", "hostname", "service", "version", "reqId", "msg"]


def test_an_exception_has_type_message_and_stack_of_its_whole_chain() -> None:
    def fail() -> Never:
        raise KeyError("inner")

    with captured_log() as log:
        try:
            try:
                fail()
            except KeyError as error:
                raise ValueError("outer") from error
        except ValueError:
            logger.exception("it.failed")
    error = log.last["err"]
    assert (error["type"], error["message"]) == ("ValueError", "outer")
    assert "caused by: KeyError: 'inner'" in error["stack"]
    assert "in fail" in error["stack"]


def test_groups_endless_chains_and_deep_recursion_stay_bounded() -> None:
    def recurse() -> None:
        recurse()

    first = ValueError("first")
    second = ValueError("second")
    first.__cause__, second.__cause__ = second, first
    group = ExceptionGroup("several", [first, *[KeyError(i) for i in range(100)]])
    with captured_log() as log:
        logger.opt(exception=group).error("x")
        try:
            recurse()
        except RecursionError:
            logger.exception("y")
    assert "in the group: KeyError: 0" in log.lines[0]["err"]["stack"]
    assert "frames …" in log.last["err"]["stack"]
    assert len(log.last["err"]["stack"]) < 10_000


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "é" * 100_000},
        {f"field{i}": "x" * 1000 for i in range(200)},
        {"deep": [[["x" * 500] * 100] * 100]},
        {"wide": {str(i): list(range(100)) for i in range(1000)}},
        {"\u2028" * 100: "\x1b" * 10_000},
        {"keys": {"\u20ac" * 99 + str(i): "\u20ac" * 120 for i in range(256)}},
    ],
    ids=["text", "fields", "deep", "wide", "escapes", "keys"],
)
def test_a_line_is_at_most_16_kib_and_still_json(fields: dict[str, Any]) -> None:
    with captured_log() as log:
        logger.bind(**fields).info("still here " + "\x1b" * 20_000)
    assert len(log.text.encode()) <= MAX_LINE + 1
    assert log.last["msg"].startswith("still here")


def test_a_secret_is_not_uncovered_by_the_cut() -> None:
    with captured_log(secrets=["a-secret-that-lies-across"]) as log:
        for length in range(8150, 8200):
            logger.info("." * length + "a-secret-that-lies-across")
    assert "a-secret" not in log.text


def test_when_redaction_fails_only_the_event_and_its_place_are_written() -> None:
    class Hostile:
        @property
        def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
            raise RuntimeError(CANARY)

    with captured_log() as log:
        logger.bind(password=CANARY, bad=Hostile()).error("bots.token_refused")
        logger.bind(bad=Hostile()).error("user {} typed " + CANARY, CANARY)
    assert CANARY not in log.text
    assert log.lines[0]["msg"] == "bots.token_refused"
    assert log.lines[1]["msg"] == "log.redaction_failed"
    assert "test_lines:test_when_redaction_fails" in log.lines[1]["at"]


def test_a_repr_that_logs_does_not_recurse() -> None:
    class Chatty:
        def __repr__(self) -> str:
            logger.bind(me=self).info("in repr")
            return "chatty"

    with captured_log() as log:
        logger.bind(me=Chatty()).info("outer")
    assert [line["msg"] for line in log.lines] == ["in repr", "outer"]


def test_a_stream_that_is_gone_takes_nobody_down(capsys: pytest.CaptureFixture[str]) -> None:
    with captured_log() as log:
        log.stream.close()
        logger.bind(password=CANARY).info(f"token={CANARY}")
        log.stream = type(log.stream)()
    captured = capsys.readouterr()
    assert CANARY not in captured.out + captured.err


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    message=st.text(), fields=st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.floats())
)
def test_any_message_and_fields_make_one_ascii_line(message: str, fields: dict[str, Any]) -> None:
    with captured_log() as log:
        logger.bind(**fields).info(message)
    assert log.text.isascii()
    assert log.text.isprintable() or log.text.rstrip("\n").isprintable()
    assert log.text.count("\n") == 1
    assert json.loads(log.text)["level"] == 30
