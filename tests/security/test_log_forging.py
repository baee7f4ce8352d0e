"""No text a user can type makes a second line, a second field or a terminal do anything."""

import json
import logging

import pytest
from loguru import logger
from support.log_capture import captured_log

from astero_shared.observability import logs

FORGED = '{"level":30,"msg":"auth.login.succeeded","user":"admin"}'


@pytest.mark.parametrize(
    "separator",
    ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\x00"],
)
@pytest.mark.parametrize("way", ["message", "field", "name", "standard library", "exception", "request id"])
def test_text_stays_inside_its_own_field(separator: str, way: str) -> None:
    hostile = f"evil{separator}{FORGED}"
    with captured_log() as log:
        if way == "message":
            logger.info(hostile)
        elif way == "field":
            logger.bind(user=hostile).info("x")
        elif way == "name":
            logger.bind(**{hostile: 1}).info("x")
        elif way == "standard library":
            logging.getLogger("discord").warning("user %s", hostile)  # noqa: TID251
        elif way == "exception":
            logger.opt(exception=ValueError(hostile)).error("x")
        else:
            with logs.request(hostile):
                logger.info("x")
    assert len(log.text.splitlines()) == 1
    assert json.loads(log.text)["msg"] != "auth.login.succeeded"


@pytest.mark.parametrize("code", ["\x1b[2J", "\x9b31m", "\x07", "\x08", "\x7f", "\u202e", "\u2066", "\ufeff"])
def test_nothing_reaches_the_terminal_but_printable_ascii(code: str) -> None:
    with captured_log() as log:
        logger.bind(**{f"k{code}": code}).info(f"a{code}b")
    assert log.text.rstrip("\n").isascii()
    assert log.text.rstrip("\n").isprintable()


def test_quotes_and_backslashes_open_no_field() -> None:
    with captured_log() as log:
        logger.info('","level":60,"x":"\\')
    assert log.last["level"] == 30
    assert "x" not in log.last


def test_a_message_from_a_user_is_not_a_template() -> None:
    with captured_log() as log:
        logging.getLogger("x").warning("{0.__class__} %s", "{password}")  # noqa: TID251
        logger.bind(password="hunter2hunter2").info("{password} {0}")
    assert log.lines[0]["msg"] == "{0.__class__} {password}"
    assert log.last["msg"] == "{password} {0}"
