"""Error reports as they leave: through the real SDK and our outgoing client, to a Sentry over a real socket.

The same canaries as for the log, planted in every place a report could carry them from.
"""

import asyncio
import base64
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Never

import httpx
import psycopg
import pytest
from aiohttp import web
from loguru import logger
from support.log_capture import captured_log

from astero_sandbox.sentry.app import create_app, dsn
from astero_shared.observability import logs
from astero_shared.observability.sentry import SentryDsn, reporting

LOADED = "loaded+C4nary/7f3a9b&=value"
UNKNOWN = "unkn0wnC4nary55e1"
BOT_TOKEN = base64.b64encode(b"1122334455667788990").decode().rstrip("=") + ".GcAnAr.y" + "Zx9_-" * 7
MAIL = "canary.person@example.com"
CANARIES = (LOADED, UNKNOWN, BOT_TOKEN, MAIL)


@asynccontextmanager
async def sandbox() -> AsyncGenerator[httpx.AsyncClient]:
    runner = web.AppRunner(create_app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
    finally:
        await runner.cleanup()


async def reported(
    act: Callable[[], Awaitable[object] | object], *, fault: dict[str, Any] | None = None
) -> tuple[list[dict[str, Any]], str]:
    """What Sentry holds after `act`, and what the log says."""
    async with sandbox() as sentry:
        if fault:
            await sentry.post("/sandbox/faults", json=fault)
        with captured_log(secrets=[LOADED]) as log:
            async with reporting(SentryDsn.parse(dsn(str(sentry.base_url).rstrip("/"))), service="api"):
                outcome = act()
                if isinstance(outcome, Awaitable):
                    await outcome
        return (await sentry.get("/sandbox/events")).json()["events"], log.text


def fail(error: BaseException, cause: BaseException | None = None) -> Never:
    password = UNKNOWN
    raise (error if password else ValueError) from cause


def logged(error: BaseException, cause: BaseException | None = None, **fields: object) -> None:
    try:
        fail(error, cause)
    except type(error) as caught:
        logger.opt(exception=caught).error("request failed", **fields)


async def test_a_report_tells_where_and_what_went_wrong() -> None:
    def act() -> None:
        with logs.request("req-1", method="POST", url="/api/bots"):
            logs.add_request_facts(user="0192")
            logged(RuntimeError("no such thing"), status=500)

    (event,), log = await reported(act)
    assert event["exception"]["values"][-1]["value"] == "no such thing"
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "fail"
    assert not any({"vars", "context_line", "pre_context"} & frame.keys() for frame in frames)
    assert event["request"] == {"url": "/api/bots", "method": "POST"}
    assert event["contexts"]["response"] == {"status_code": 500}
    assert event["tags"] == {"service": "api", "reqId": "req-1"}
    assert event["user"] == {"id": "0192"}
    assert '"url":"/api/bots"' in log


async def test_what_is_no_error_is_not_reported() -> None:
    events, log = await reported(lambda: logger.warning("slow"))
    assert events == []
    assert "slow" in log


@pytest.mark.parametrize(
    "act",
    [
        lambda: logged(ValueError(f"bad {LOADED}")),
        lambda: logged(ValueError("outer"), KeyError(f"token={UNKNOWN}")),
        lambda: logged(ValueError("outer"), psycopg.errors.UniqueViolation(f"Key (email)=({MAIL})")),
        lambda: logged(psycopg.errors.NotNullViolation(f"Failing row contains ({UNKNOWN})")),
        lambda: logged(ExceptionGroup("several", [ValueError(BOT_TOKEN), KeyError(MAIL)])),
        lambda: logged(ValueError("x"), token=UNKNOWN, nested={"deep": [{"discordToken": UNKNOWN}]}),
        lambda: logged(
            ValueError("x"), headers=[("authorization", f"Bearer {UNKNOWN}"), ("cookie", UNKNOWN)]
        ),
        lambda: logged(ValueError("x"), body=f'{{"password": "{UNKNOWN}", "email": "{MAIL}"}}'),
        lambda: logger.error("signing in {} failed with {}", MAIL, BOT_TOKEN),
        lambda: logger.error(f"https://discord.com/api/webhooks/1122334455667788990/{UNKNOWN}"),
        lambda: logger.bind(secret=UNKNOWN).error("bound"),
        lambda: logger.critical(LOADED),
    ],
)
async def test_no_canary_leaves(act: Callable[[], None]) -> None:
    events, log = await reported(act)
    assert len(events) == 1
    for canary in CANARIES:
        assert canary not in str(events)
        assert canary not in log


async def test_a_canary_in_the_request_does_not_leave() -> None:
    def act() -> None:
        with logs.request("req", method="GET", url=f"/api/bots/{BOT_TOKEN}"):
            logger.error("failed")

    (event,), _log = await reported(act)
    assert BOT_TOKEN not in str(event)
    assert event["request"]["url"].startswith("/api/bots/[redacted")


@pytest.mark.parametrize("fault", [{"status": 429, "retryAfter": 60}, {"status": 500}, {"status": 413}])
async def test_a_sentry_that_refuses_is_left_alone_and_said_so_once(fault: dict[str, Any]) -> None:
    async def act() -> None:
        for number in range(5):
            logger.error(f"failure {number}")
            await asyncio.sleep(0.05)

    events, log = await reported(act, fault=fault | {"times": 1})
    assert events == []
    assert log.count("error reports are not taken") == 1
    assert all(f"failure {number}" in log for number in range(5))


async def test_no_sentry_at_all_costs_reports_only() -> None:
    with captured_log() as log:
        async with reporting(SentryDsn.parse("http://key@127.0.0.1:9/1"), service="api"):
            logged(ValueError("still logged"))
    assert "still logged" in log.text


async def test_reports_are_made_beside_the_loop_and_not_at_all_while_nobody_takes_them() -> None:
    told_in: list[str] = []

    class TellingError(Exception):
        def __str__(self) -> str:
            told_in.append(threading.current_thread().name.partition("_")[0])
            return "told"

    async def act() -> None:
        logged(TellingError())
        while "error reports are not taken" not in log.text:  # noqa: ASYNC110 - a line is no event
            await asyncio.sleep(0.01)
        assert set(told_in) == {"MainThread", "error-reports"}
        told_in.clear()
        logged(TellingError())

    with captured_log() as log:
        async with reporting(SentryDsn.parse("http://key@127.0.0.1:9/1"), service="api"):
            await act()
    assert set(told_in) == {"MainThread"}


async def test_a_flood_does_not_grow_without_bound() -> None:
    def act() -> None:
        for number in range(500):
            logger.error(f"failure {number}")

    events, log = await reported(act)
    assert 0 < len(events) <= 101
    assert "failure 499" in log


async def test_without_an_address_nothing_changes() -> None:
    with captured_log() as log:
        async with reporting(None, service="api"):
            logger.error("only logged")
    assert "only logged" in log.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "key",
        "https://o1.ingest.de.sentry.io/2",
        "https://key@o1.ingest.us.sentry.io/2",
        "https://key@o1.ingest.sentry.io/2",
        "https://key@sentry.io/2",
        "https://key@ingest.de.sentry.io.evil.example/2",
        "https://key@evil.example/.ingest.de.sentry.io/2",
        "http://key@o1.ingest.de.sentry.io/2",
        "https://key@o1.ingest.de.sentry.io/",
        "https://key@10.0.0.1/2",
    ],
)
def test_only_the_eu_is_an_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"Sentry DSN|EU"):
        SentryDsn.parse(text)


@pytest.mark.parametrize("text", ["https://key@o1.ingest.de.sentry.io/2", "http://key@127.0.0.1:8307/1"])
def test_the_eu_and_this_machine_are(text: str) -> None:
    assert SentryDsn.parse(text).reveal() == text
    assert str(SentryDsn.parse(text)) == "***"
