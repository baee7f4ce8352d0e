"""The OpenAPI document and the readiness of a process. That answers fit it, every test of the api checks."""

import json
import re
from typing import Any

import httpx
import psycopg
import pytest
from jsonschema import Draft202012Validator
from support.api import browser, running_api
from support.stack import Database

from astero_api.web.edge import Edge
from astero_api.web.openapi import documented_path
from astero_api.web.policy import declared_routes
from astero_shared.ids import new_id


async def test_every_route_is_documented_with_its_security(client: httpx.AsyncClient, api: Edge) -> None:
    document = (await client.get("/api/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    told = {(method, path) for path, operations in document["paths"].items() for method in operations}
    there = {
        (method.lower(), documented_path(route))
        for route, handler in declared_routes(api.litestar)
        for method in handler.http_methods
    }
    assert told == there
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            assert ("security" in operation) == (operation["x-permission"] != "public"), path
            assert {"429", "500", "503"} <= operation["responses"].keys()


async def test_every_reference_leads_somewhere_and_every_schema_is_one(client: httpx.AsyncClient) -> None:
    text = (await client.get("/api/openapi.json")).text
    document = json.loads(text)
    for reference in set(re.findall(r'"\$ref":"#/([^"]+)"', text)):
        found: Any = document
        for step in reference.split("/"):
            found = found[step]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    names = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    assert len(names) == len(set(names))


async def test_a_process_without_engines_is_degraded_and_with_one_ready(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = (await client.get("/api/health/ready")).json()
    assert answer == {"status": "degraded", "database": "up", "redis": "up", "engines": 0}
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO engines (id, url, started_at, heartbeat_at, draining)"
            " VALUES (%s, 'http://127.0.0.1:1', now(), now(), false)",
            [new_id()],
        )
    answer = (await client.get("/api/health/ready")).json()
    assert answer == {"status": "ready", "database": "up", "redis": "up", "engines": 1}


@pytest.mark.parametrize(
    ("variable", "status", "code"),
    [("DATABASE_URL", 503, "unavailable"), ("REDIS_URL", 200, None)],
)
async def test_what_is_away_is_said(
    api_environment: dict[str, str], variable: str, status: int, code: str | None
) -> None:
    scheme = api_environment[variable].partition(":")[0]
    away = api_environment | {variable: f"{scheme}://someone:secret@127.0.0.1:1/0"}
    async with running_api(away) as edge, browser(edge) as client:
        answer = await client.get("/api/health/ready")
        assert answer.status_code == status
        if code is not None:
            assert answer.json()["code"] == code
            assert int(answer.headers["retry-after"]) > 0
            assert "secret" not in answer.text
        else:
            assert answer.json()["redis"] == "down"
        assert (await client.get("/api/health/live")).status_code == 200
