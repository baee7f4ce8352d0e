"""Discord's own OpenAPI document as a judge of answers, where the file is present."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import orjson
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_URI = "urn:discord"
# The document says integer; Discord answers names such as BASE_TYPE_REQUIRED, and its guide shows them.
_ERROR_CODE = re.compile(r"_errors'\]\[\d+\]\.code$")
_DEFAULT = Path(__file__).parents[4] / "shared" / "specs" / "discord-openapi.json"


class Specification:
    """Which operation an answer belongs to, and what is wrong with it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self._registry = Registry().with_resource(_URI, resource)
        self._paths = [(_pattern(path), path) for path in _most_literal_first(document["paths"])]
        self.seen: set[tuple[str, str, int]] = set()

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """The documented path of a real one, and its operation."""
        for pattern, template in self._paths:
            operation = self._document["paths"][template].get(method.lower())
            if operation is not None and pattern.fullmatch(path):
                return template, operation
        return None

    def problems(self, method: str, path: str, answer: httpx.Response) -> Iterator[str]:
        """One line for each way the answer differs from the document."""
        found = self.operation(method, path)
        if found is None:
            yield f"{method} {path} is not documented"
            return
        template, operation = found
        self.seen.add((method, template, answer.status_code))
        described = self._response(operation, answer.status_code)
        if described is None:
            yield f"{method} {template} does not document {answer.status_code}"
            return
        schema = described.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            if answer.content:
                yield f"{method} {template} {answer.status_code} has no body, this one does"
            return
        yield from self._invalid(f"{method} {template} {answer.status_code}", schema, answer.json())

    def _response(self, operation: dict[str, Any], status: int) -> dict[str, Any] | None:
        responses = operation["responses"]
        found = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        while found is not None and "$ref" in found:
            found = self._document["components"]["responses"][found["$ref"].split("/")[-1]]
        return found

    def _invalid(self, where: str, schema: dict[str, Any], body: object) -> Iterator[str]:
        validator = jsonschema.Draft202012Validator(_absolute(schema), registry=self._registry)
        for error in validator.iter_errors(body):
            deepest = jsonschema.exceptions.best_match([error])
            if _ERROR_CODE.search(deepest.json_path):
                continue
            yield f"{where}: {deepest.json_path}: {deepest.message[:300]}"


def _absolute(schema: Any) -> Any:
    """Local references, from outside of the document."""
    if isinstance(schema, dict):
        return {key: f"{_URI}{value}" if key == "$ref" else _absolute(value) for key, value in schema.items()}
    return [_absolute(item) for item in schema] if isinstance(schema, list) else schema


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", template))


def _most_literal_first(paths: dict[str, Any]) -> list[str]:
    return sorted(paths, key=lambda path: path.count("{"))


@cache
def specification() -> Specification:
    """Skips the test where there is no document."""
    path = Path(os.environ.get("ASTERO_DISCORD_OPENAPI") or _DEFAULT)
    if not path.is_file():
        pytest.skip("Discord's OpenAPI document is not here")
    return Specification(orjson.loads(path.read_bytes()))
