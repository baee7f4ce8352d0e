"""Every answer a test sees is held against the OpenAPI document: its status and the shape of its body."""

import json
import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from astero_api.web.edge import Edge

# Routing itself answers these, whatever the address takes; who is shut out, or asks too often, does not get
# so far.
_BEFORE_ANY_ROUTE = {403, 404, 405, 429}


@cache
def _parsed(document: bytes) -> dict[str, Any]:
    return json.loads(document)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[A-Za-z]+\\\}", "[^/]+", re.escape(template)))


class Documented:
    """`check` is an event hook of httpx; it fails the test by raising."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def _operation(self, document: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
        for template, operations in document["paths"].items():
            if _pattern(template).fullmatch(path):
                return operations.get("get" if method == "HEAD" else method.lower())
        return None

    async def check(self, answer: httpx.Response) -> None:
        document = _parsed(self._edge.litestar.state.reference())
        request = answer.request
        operation = self._operation(document, request.method, request.url.path)
        if operation is None:
            routed_nowhere = answer.status_code in _BEFORE_ANY_ROUTE or request.method == "OPTIONS"
            assert routed_nowhere, f"{request.method} {request.url.path} is not documented"
            return
        found = operation["responses"].get(str(answer.status_code))
        assert found is not None, f"{operation['operationId']} may not answer {answer.status_code}"
        if "$ref" in found:
            found = document["components"]["responses"][found["$ref"].rpartition("/")[2]]
        body = await answer.aread()
        content = found.get("content")
        if content is None or request.method == "HEAD":
            assert body == b"", f"{operation['operationId']} {answer.status_code} has no body"
            return
        ((media_type, shape),) = content.items()
        assert answer.headers["content-type"] == media_type
        if media_type.startswith("text/"):
            return
        validator = Draft202012Validator({**shape["schema"], "components": document["components"]})
        errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(json.loads(body))]
        assert not errors, (operation["operationId"], errors)
