"""Error reports: what is logged as an error also goes to Sentry in Frankfurt, through the same redactor.

A report holds what the log line holds and the stack: no locals, no source lines, no bodies, no headers, no
cookies, no query. It is dropped and counted where it cannot be made safe. Without a DSN nothing is sent.
"""

import ipaddress
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, Self

import sentry_sdk
from sentry_sdk.utils import BadDsn, Dsn, event_from_exception

from astero_shared.observability import lines
from astero_shared.observability.courier import Courier
from astero_shared.observability.redaction import redact
from astero_shared.settings import Secret

_DRIVERS: Final = ("psycopg", "sqlalchemy")
_EU: Final = ".ingest.de.sentry.io"
_REPORT_FIELDS: Final = frozenset({
    "msg", "err", "level", "time", "pid", "hostname", "service", "version", "reqId", "user",
})  # fmt: skip


class SentryDsn(Secret):
    """The address of a project in Sentry's EU region (or of a relay on this machine), with its key."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        try:
            dsn = Dsn(text)
        except (BadDsn, ValueError):
            raise ValueError("is not a Sentry DSN such as https://key@o1.ingest.de.sentry.io/2") from None
        if not (_is_loopback(dsn.host) or (dsn.scheme == "https" and dsn.host.endswith(_EU))):
            raise ValueError(f"must name a host under {_EU[1:]}: error reports stay in the EU")
        return cls(text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@asynccontextmanager
async def reporting(dsn: SentryDsn | None, *, service: str) -> AsyncGenerator[None]:
    """While the block runs, every line of level error and above is also reported. One per process.

    Leaving it sends what waits, for two seconds at most. Reports never hold up the code that logs: a full
    queue drops them.
    """
    if dsn is None:
        yield
        return
    try:
        async with Courier.running(dsn.reveal()) as courier:
            sentry_sdk.init(
                dsn=dsn.reveal(),
                transport=courier,
                release=f"astero@{lines.VERSION}",
                # the log is the one source: an integration would see arguments before the redactor does
                default_integrations=False,
                auto_enabling_integrations=False,
                auto_session_tracking=False,
                include_local_variables=False,
                include_source_context=False,
                max_request_body_size="never",
                send_default_pii=False,
                send_client_reports=False,
                max_breadcrumbs=0,
                before_send=_redacted,
                before_send_transaction=_refuse,
                before_send_log=_refuse,
                before_breadcrumb=_refuse,
            )
            report = _report_of(service)
            lines.report_errors_to(lambda fields, exception: courier.make(partial(report, fields, exception)))
            try:
                yield
            finally:
                lines.report_errors_to(None)
    finally:
        # after the courier, which still makes reports with it
        sentry_sdk.get_client().close(timeout=0)


def _report_of(service: str) -> lines.Report:
    def report(fields: dict[str, Any], exception: Any) -> None:
        event: dict[str, Any] = {"level": "error"}
        if exception is not None and exception[1] is not None:
            options = sentry_sdk.get_client().options
            event, _hint = event_from_exception(exception, client_options=options)  # pyright: ignore[reportAssignmentType]
            told = event["exception"]["values"]
            for cause in told:
                # a driver's message repeats the values of the row it refused
                if (cause.get("module") or "").partition(".")[0] in _DRIVERS:
                    cause["value"] = ""
            told[-1]["value"] = fields["err"]["message"]
        event["logentry"] = {"message": fields["msg"]}
        event["tags"] = {"service": service, "reqId": fields.get("reqId")}
        if "user" in fields:
            event["user"] = {"id": fields["user"]}
        if "url" in fields:
            event["request"] = {"url": fields["url"], "method": fields.get("method")}
        if "status" in fields:
            event["contexts"] = {"response": {"status_code": fields["status"]}}
        event["extra"] = {name: value for name, value in fields.items() if name not in _REPORT_FIELDS}
        sentry_sdk.capture_event(event)  # pyright: ignore[reportArgumentType]

    return report


def _redacted(event: Any, _hint: Any) -> Any:
    """The whole event through the log's redactor, causes and frames included; None drops it."""
    for exception in event.get("exception", {}).get("values", ()):
        for frame in (exception.get("stacktrace") or {}).get("frames", ()):
            frame.pop("vars", None)
    safe = redact(event)
    return safe if isinstance(safe, dict) else None


def _refuse(_event: Any, _hint: Any) -> None:
    return None
