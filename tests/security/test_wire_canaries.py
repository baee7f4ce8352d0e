"""Canaries in every header, cookie, path, query and field of every route are in no line, refusal or report.

The api and the worker run as processes of their own, at the most talkative level there is, and report to a
Sentry. Then the tables are taken away under them, so that what was sent meets errors nobody foresaw.
"""

import itertools
import json
import re
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from support import wide_api
from support.api import environment
from support.api_process import running_process
from support.resident import Resident
from support.stack import Database

from astero_sandbox.ports import free_port
from astero_sandbox.sentry.app import dsn
from astero_sandbox.valkey import Valkey

HEADERS = (
    "Authorization", "X-Api-Key", "X-Auth-Token", "X-Csrf-Token", "Referer", "User-Agent", "Accept-Language",
    "X-Request-Id", "X-Forwarded-For", "CF-Connecting-IP", "If-Match", "If-None-Match", "Idempotency-Key",
    "traceparent", "X-Anything",
)  # fmt: skip
COOKIES = ("__Host-astero_at", "__Host-astero_rt", "__Host-astero_mfa", "anything")
_CANARY = re.compile(r"c4nary[0-9]{6}x")
BROKEN = ("users", "bots", "sessions", "cases", "webhooks", "account_tokens")


class Planter:
    """Gives out canaries and remembers where each went."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def at(self, place: str) -> str:
        canary = f"c4nary{next(self._numbers):06}x"
        self.places[canary] = place
        return canary

    def names_a_field(self, canary: str) -> bool:
        return self.places[canary].endswith("unknown name")

    def body(  # noqa: C901, PLR0911 - one answer for each kind of schema
        self, place: str, schema: dict[str, Any], document: dict[str, Any]
    ) -> Any:
        """Every text of the schema is a canary; of alternatives, the first that is not nothing."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self.body(place, document["components"]["schemas"][name], document)
        if "enum" in schema:
            return schema["enum"][0]
        arms = [arm for arm in schema.get("anyOf", ()) if arm.get("type") != "null"]
        if arms:
            return self.body(place, arms[0], document)
        match schema.get("type"):
            case "object":
                fields = schema.get("properties", {}).items()
                return {name: self.body(f"{place} {name}", found, document) for name, found in fields}
            case "array":
                return [self.body(place, schema.get("items", {}), document)]
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return True
            case _ if "0-9" in schema.get("pattern", ""):
                return "1109000000000000001"
            case _ if "email" in place.lower():
                return f"{self.at(place)}@example.com"
            case _ if "url" in place.lower():
                return f"https://{self.at(place)}.example.com/{self.at(place)}"
            case _:
                return self.at(place)


def questions(planter: Planter, document: dict[str, Any], resident: Resident) -> Iterator[dict[str, Any]]:
    """What httpx is to send: each operation in each of the ways that carry a canary."""
    for template, operations in document["paths"].items():
        own = template.format_map(resident.places)
        names = [step.strip("{}") for step in template.split("/") if step.startswith("{")]
        for method, operation in operations.items():
            where = operation["operationId"]
            seen = resident.headers
            yield {
                "method": method,
                "url": own,
                "headers": seen | {name: planter.at(f"{where} {name}") for name in HEADERS},
            }
            cookies = "; ".join(f"{name}={planter.at(f'{where} cookie {name}')}" for name in COOKIES)
            yield {"method": method, "url": own, "headers": seen | {"Cookie": cookies}}
            for name in names:
                wrong = resident.places | {name: planter.at(f"{where} path {name}")}
                yield {"method": method, "url": template.format_map(wrong), "headers": seen}
            declared = [one["name"] for one in operation["parameters"] if one["in"] == "query"]
            for name in (*declared, "token", "anything"):
                query = f"{own}?{name}={planter.at(f'{where} query {name}')}"
                yield {"method": method, "url": query, "headers": seen}
            yield {"method": method, "url": f"{own}?{planter.at(f'{where} query name')}=1", "headers": seen}
            if "requestBody" in operation:
                media_type, taken = next(iter(operation["requestBody"]["content"].items()))
                body = planter.body(f"{where} body", taken["schema"], document)
                strange = {planter.at(f"{where} unknown name"): planter.at(f"{where} unknown value")}
                told = json.dumps(body if isinstance(body, dict) else {})
                for content in (
                    json.dumps(body),
                    json.dumps(strange),
                    json.dumps([planter.at(f"{where} list")]),
                    json.dumps(planter.at(f"{where} text")),
                    told[:-1] + f', "{planter.at(f"{where} broken")}',
                ):
                    kind = seen | {"Content-Type": media_type}
                    yield {"method": method, "url": own, "headers": kind, "content": content}


@contextmanager
def running_sentry() -> Generator[str]:
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "astero_sandbox.sentry", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own module
        try:
            # who cannot reach it leaves it alone for a minute
            while not _listens(url):
                assert process.poll() is None
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()


def _listens(url: str) -> bool:
    try:
        return httpx.get(f"{url}/sandbox/events", trust_env=False).is_success
    except httpx.TransportError:
        return False


@contextmanager
def running_worker(env: dict[str, str], output: Path) -> Generator[None]:
    with (
        output.open("ab") as printed,
        subprocess.Popen(
            [sys.executable, "-m", "astero_api.worker"], env=env, stdout=printed, stderr=printed
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


def reports(url: str, *, at_least: int = 0) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 60
    while True:
        try:
            events = httpx.get(f"{url}/sandbox/events", trust_env=False).json()["events"]
        except httpx.TransportError:
            events = []
        if len(events) >= at_least or time.monotonic() > deadline:
            return events
        time.sleep(0.1)


def rename(database: Database, statement: str) -> None:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        for table in BROKEN:
            connection.execute(statement.format(table).encode())


@pytest.mark.timeout(400)
def test_no_canary_comes_out_of_the_running_processes(
    database: Database, valkey: str, valkey_server: Valkey, tmp_path: Path
) -> None:
    assert valkey
    output = tmp_path / "lines"
    with running_sentry() as sentry:
        env = environment(
            database_url=database.api,
            redis_url=valkey_server.url("api"),
            DISCORD_API_URL="http://127.0.0.1:9/api/v10",
            SENTRY_DSN=dsn(sentry),
            LOG_LEVEL="TRACE",
        )
        planter = Planter()
        answers: list[tuple[str, httpx.Response]] = []
        with (
            running_worker(env, output),
            running_process(env, program=(wide_api.__file__,), output=output) as process,
        ):
            resident = Resident(f"http://127.0.0.1:{process.port}", database)
            document = resident.http.get("/api/openapi.json").json()
            for broken in (False, True):
                resident.move_in()
                if broken:
                    rename(database, "ALTER TABLE {0} RENAME TO {0}_away")
                for question in questions(planter, document, resident):
                    answer = resident.http.request(**question)
                    resident.http.cookies.clear()
                    answers.append((f"{question['method']} {question['url']}", answer))
            rename(database, "ALTER TABLE {0}_away RENAME TO {0}")
            reported = reports(sentry, at_least=1)
            resident.http.close()
    lines = output.read_text().splitlines()
    assert {200, 202, 204, 400, 401, 404, 422, 500} <= {answer.status_code for _, answer in answers}
    assert reported
    assert any('"service":"worker"' in line for line in lines)
    assert len(planter.places) > 1000
    said = [("a line", line) for line in lines]
    said += [("a report", json.dumps(report)) for report in reported]
    assert [*leaks(planter, env, said)] == []
    assert [*leaks(planter, env, [*refused(planter, answers)])] == []
    # the search itself
    planted = planter.at("a planted line")
    assert [*leaks(planter, env, [("a line", f"x {planted} y"), ("a line", env["JWT_SECRET"])])] == [
        ("a line", "a planted line"),
        ("a line", "JWT_SECRET"),
    ]


_SECRETS = ("ENCRYPTION_KEY", "PASSWORD_PEPPER", "JWT_SECRET", "BOT_ENGINE_SECRET")


def refused(planter: Planter, answers: list[tuple[str, httpx.Response]]) -> Iterator[tuple[str, str]]:
    """What headers say, and the bodies of refusals: what one wrote comes back where it was taken."""
    for asked, answer in answers:
        yield asked, str(answer.headers)
        if answer.is_error:
            # the pointer to a field nobody knows names it, to the one who sent it
            text = _CANARY.sub(lambda found: "" if planter.names_a_field(found[0]) else found[0], answer.text)
            yield asked, text


def leaks(planter: Planter, env: dict[str, str], said: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Where, and what should not be there."""
    secrets = {env[name].partition(":")[2] or env[name]: name for name in _SECRETS}
    for where, text in said:
        yield from ((where, planter.places[found]) for found in _CANARY.findall(text))
        yield from ((where, name) for secret, name in secrets.items() if secret in text)
