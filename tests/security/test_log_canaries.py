"""A secret planted anywhere a program could log it from appears in no line, at any level.

Three canaries: one the process has loaded (found by value), one it has not (found by name or shape),
and a real-looking Discord token (found by shape).
"""

import asyncio
import base64
import dataclasses
import gc
import json
import logging
import sys
import threading
import urllib.parse
import warnings
from collections.abc import Callable
from typing import Any, Never

import httpx
import msgspec
import pytest
import sqlalchemy
from loguru import logger
from sqlmodel import Field, SQLModel
from support.log_capture import captured_log

from astero_shared.observability.interception import install_hooks

LOADED = "loaded+C4nary/7f3a9b&=value"
UNKNOWN = "unkn0wnC4nary55e1"
BOT_TOKEN = base64.b64encode(b"1122334455667788990").decode().rstrip("=") + ".GcAnAr.y" + "Zx9_-" * 7
ALL = (LOADED, UNKNOWN, BOT_TOKEN)

THIRD_PARTIES = (
    "discord.http", "discord.gateway", "discord.client", "_granian", "sqlalchemy.engine.Engine",
    "sqlalchemy.pool", "httpx", "httpcore.http11", "authlib.oauth2", "asyncio", "alembic.runtime",
    "procrastinate.worker", "psycopg", "psycopg.pool", "aiohttp.client", "stripe", "litestar",
)  # fmt: skip


class Credentials(msgspec.Struct):
    name: str
    discord_token: str


@dataclasses.dataclass
class Holder:
    password: str


class Bot(SQLModel):
    label: str
    telegram_token: str = Field()


def throw(error: BaseException, cause: BaseException | None = None) -> Never:
    held_in_a_local = UNKNOWN
    raise (error if held_in_a_local else ValueError) from cause


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        throw(error, cause)
    except type(error) as caught:
        return caught


def chained() -> BaseException:
    return raised(ValueError(LOADED), raised(KeyError(f"token={UNKNOWN}")))


def with_notes() -> BaseException:
    error = ValueError("noted")
    error.add_note(f"password: {UNKNOWN}")
    return error


def statement_error() -> BaseException:
    engine = sqlalchemy.create_engine("sqlite://")
    try:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT * FROM nowhere WHERE h = :h"), {"h": UNKNOWN})
    except sqlalchemy.exc.SQLAlchemyError as caught:
        return caught
    finally:
        engine.dispose()
    raise AssertionError("the statement has to fail")


def in_thread() -> None:
    def fail() -> None:
        raise ValueError(f"{LOADED} and token={UNKNOWN}")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def in_task() -> None:
    async def fail() -> None:
        raise ValueError(f"{LOADED} and token={UNKNOWN}")

    async def main() -> None:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        del task
        gc.collect()

    asyncio.run(main())


def in_finaliser() -> None:
    class Closing:
        def __del__(self) -> None:
            raise ValueError(f"{LOADED} and token={UNKNOWN}")

    closing = Closing()
    del closing
    gc.collect()


def uncaught() -> None:
    error = chained()
    sys.excepthook(type(error), error, error.__traceback__)


def third_parties_at_debug() -> None:
    for name in THIRD_PARTIES:
        library = logging.getLogger(name)  # noqa: TID251 - what third parties do
        before = library.level
        library.setLevel(logging.DEBUG)
        try:
            library.debug("POST %s with %s has returned 200", "/x", {"token": UNKNOWN, "data": LOADED})
            library.info("Using code_verifier: %r and %s", UNKNOWN, BOT_TOKEN)
            library.warning("[generated in 0.1s] %s", {"password_hash": UNKNOWN})
            library.error("failed", exc_info=chained(), extra={"job": {"apiKey": UNKNOWN}})
        finally:
            library.setLevel(before)


def contextualised() -> None:
    with logger.contextualize(password=UNKNOWN):
        logger.info("x")


def error(exception: BaseException) -> Callable[[], None]:
    return lambda: logger.opt(exception=exception).error("it.failed")


def fields(**values: Any) -> Callable[[], None]:
    def plant() -> None:
        for level in ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
            logger.bind(**values).log(level, "planted")

    return plant


def text(message: str) -> Callable[[], None]:
    def plant() -> None:
        for level in ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
            logger.log(level, message)

    return plant


PLACES: dict[str, Callable[[], None]] = {
    "message": text(f"connecting with {LOADED}"),
    "message, shape": text(f"connecting with {BOT_TOKEN}"),
    "message, name": text(f"connecting with discordToken={UNKNOWN}"),
    "positional argument": lambda: logger.info("with {}", LOADED),
    "keyword argument": lambda: logger.info("with {token}", token=BOT_TOKEN),
    "keyword not in the message": lambda: logger.info("x", authorization=UNKNOWN),
    "bound field": fields(telegramToken=UNKNOWN),
    "contextualised field": contextualised,
    "harmless field, loaded value": fields(note=f"it is {LOADED}!"),
    "nested dict": fields(a={"b": {"c": {"Client-Secret": UNKNOWN}}}),
    "dict in lists": fields(a=[[{"password": UNKNOWN}], ({"token": UNKNOWN},)]),
    "dict key": fields(a={LOADED: 1, f"token={UNKNOWN}": 2, BOT_TOKEN: 3}),
    "field name": fields(**{LOADED: 1}),
    "set": fields(a={LOADED, BOT_TOKEN}),
    "bytes": fields(a=LOADED.encode(), b=f"token={UNKNOWN}".encode(), c=bytearray(BOT_TOKEN, "ascii")),
    "list under a name": fields(tokens=[UNKNOWN], session={"id": UNKNOWN}),
    "struct": fields(a=Credentials(name="x", discord_token=UNKNOWN)),
    "struct in the message": text(f"got {Credentials(name='x', discord_token=UNKNOWN)}"),
    "dataclass": fields(a=Holder(password=UNKNOWN)),
    "dataclass in the message": text(f"got {Holder(password=UNKNOWN)}"),
    "table row": fields(a=Bot(label="x", telegram_token=UNKNOWN)),
    "table row in the message": text(f"got {Bot(label='x', telegram_token=UNKNOWN)!r}"),
    "header pairs": fields(headers=[("Authorization", UNKNOWN), (b"Cookie", UNKNOWN.encode())]),
    "headers object": fields(headers=httpx.Headers({"x-api-key": UNKNOWN, "cookie": UNKNOWN})),
    "headers in the message": text(
        f"Authorization: Bot {UNKNOWN} {UNKNOWN}\r\nCookie: a={UNKNOWN}; b={UNKNOWN}"
    ),
    "query": text(f"GET https://x.example/cb?access_token={UNKNOWN}&code={UNKNOWN}"),
    "query object": fields(url=httpx.URL(f"https://x.example/?token={UNKNOWN}")),
    "credentials in a URL": text(f"postgresql://astero:{UNKNOWN}@db:5432/astero"),
    "JSON text": text(json.dumps({"password": UNKNOWN, "x": LOADED})),
    "JSON in JSON": text(json.dumps({"body": json.dumps({"password": UNKNOWN, "x": LOADED})})),
    "base64": text(base64.b64encode(LOADED.encode()).decode()),
    "base64 of more": text("Basic " + base64.b64encode(f"astero:{LOADED}".encode()).decode()),
    "base64, url-safe": text(base64.urlsafe_b64encode(b"x" + LOADED.encode()).decode()),
    "percent-encoded": text(urllib.parse.quote(LOADED, safe="")),
    "plus-encoded": text(urllib.parse.urlencode({"q": LOADED})),
    "hexadecimal": text(LOADED.encode().hex()),
    "repr": text(repr({"q": LOADED})),
    "jwt": text("eyJhbGciOiJIUzI1NiJ9." + base64.b64encode(UNKNOWN.encode()).decode() + ".c2ln"),
    "exception message": error(raised(ValueError(f"refused {LOADED}, password={UNKNOWN}"))),
    "exception arguments": error(raised(ValueError("x", {"password": UNKNOWN}, [LOADED]))),
    "exception chain": error(chained()),
    "exception note": error(with_notes()),
    "exception group": error(ExceptionGroup("g", [chained(), raised(KeyError(LOADED))])),
    "exception as a field": fields(cause=raised(ValueError({"token": UNKNOWN}))),
    "stack locals": error(raised(RuntimeError("x"))),
    "SQL parameters": error(statement_error()),
    "SQL parameters in the message": lambda: logger.info(f"failed: {statement_error()}"),
    "third parties at DEBUG": third_parties_at_debug,
    "warning": lambda: warnings.warn(f"password={UNKNOWN} {LOADED}", stacklevel=1),
    "thread": in_thread,
    "task": in_task,
    "finaliser": in_finaliser,
    "uncaught": uncaught,
    "before a cut": text(("." * 8180) + LOADED),
    "far down": text("." * 100_000 + LOADED),
    "deep down": fields(a=json.loads('{"a":' * 40 + json.dumps({"password": UNKNOWN}) + "}" * 40)),
}


def fragments_of(secret: str) -> list[str]:
    """What may not be seen of a secret: itself and any twelve characters in a row, in any encoding."""
    raw = secret.encode()
    forms = [
        secret,
        raw.hex(),
        urllib.parse.quote(secret, safe=""),
        *(base64.b64encode(b"x" * shift + raw).decode()[4:-4] for shift in range(3)),
    ]
    return [form[at : at + 12] for form in forms for at in range(max(1, len(form) - 11))]


@pytest.mark.parametrize("place", PLACES)
def test_no_canary_is_logged_from(place: str, capfd: pytest.CaptureFixture[str]) -> None:
    with captured_log(level="TRACE", secrets=[LOADED]) as log:
        install_hooks()
        PLACES[place]()
    seen = log.text + "".join(capfd.readouterr())
    assert log.lines, "nothing was logged, so nothing was proved"
    leaked = [part for secret in ALL for part in fragments_of(secret) if part in seen]
    assert leaked == []


def test_the_canaries_would_be_seen_without_the_redactor() -> None:
    """The check itself can fail: a plain sink shows what ours does not."""
    seen: list[str] = []
    with captured_log():
        logger.remove()
        logger.configure(patcher=lambda _record: None)
        logger.add(seen.append, format="{message} {extra}", level="TRACE", diagnose=True)
        for place in ("message", "bound field", "stack locals", "base64 of more"):
            seen.clear()
            PLACES[place]()
            shown = "".join(seen)
            assert any(part in shown for secret in ALL for part in fragments_of(secret)), place
