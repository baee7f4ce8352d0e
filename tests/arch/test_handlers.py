"""What a route takes and gives: edge structs, never a row; and what it says about itself."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from sqlmodel import SQLModel
from support.members import is_table, parts_of
from support.unstarted import unstarted_app

from astero_api.web.policy import AuditClass, Permission, Policy, declared_routes, policy_of
from astero_api.web.rate_limit import RouteLimit


@pytest.fixture(scope="module")
def api() -> Iterator[Litestar]:
    with unstarted_app() as app:
        yield app


def rows_in(handler: HTTPRouteHandler) -> list[str]:
    signature = handler.parsed_fn_signature
    annotations = {name: field.raw for name, field in signature.parameters.items()}
    annotations["return"] = signature.return_type.raw
    return [name for name, annotation in annotations.items() if any(map(is_table, reach(annotation)))]


def reach(annotation: Any, seen: set[Any] | None = None) -> set[Any]:
    """The annotation, what is inside it, and what the structs inside it hold."""
    seen = set() if seen is None else seen
    for part in parts_of(annotation) - seen:
        seen.add(part)
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            for field in msgspec.structs.fields(part):
                reach(field.type, seen)
    return seen


def test_no_row_crosses_the_edge(api: Litestar) -> None:
    found = {
        f"{'|'.join(sorted(handler.http_methods))} {route.path}": rows
        for route, handler in declared_routes(api)
        if (rows := rows_in(handler))
    }
    assert found == {}


def test_every_route_declares_permission_limit_and_audit_class(api: Litestar) -> None:
    routes = declared_routes(api)
    assert routes
    for route, handler in routes:
        declared = policy_of(handler)
        assert isinstance(declared, Policy), route.path
        assert isinstance(declared.permission, Permission), route.path
        assert isinstance(declared.limit, RouteLimit), route.path
        assert isinstance(declared.audit, AuditClass), route.path


def test_bodies_are_strict_structs(api: Litestar) -> None:
    """Unknown fields are refused, so a body cannot set what its struct does not name."""
    for route, handler in declared_routes(api):
        data = handler.parsed_fn_signature.parameters.get("data")
        for part in parts_of(data.raw) if data else ():
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                assert part.__struct_config__.forbid_unknown_fields, f"{route.path}: {part.__name__}"


class PlantedRow(SQLModel):
    id: int


class Hiding(msgspec.Struct):
    rows: list[PlantedRow]


def test_planted_rows_are_caught() -> None:
    @get("/row")
    async def gives() -> list[PlantedRow] | None: ...

    @post("/row")
    async def takes(data: JSONBody[PlantedRow]) -> None: ...

    @get("/hidden")
    async def hides() -> Hiding | None: ...

    @get("/fine")
    async def fine() -> dict[str, str] | None: ...

    app = Litestar([gives, takes, hides, fine], openapi_config=None, logging_config=None)
    found = {handler.fn.__name__: rows_in(handler) for _, handler in declared_routes(app)}
    assert found == {"gives": ["return"], "takes": ["data"], "hides": ["return"], "fine": []}
    assert policy_of(next(handler for _, handler in declared_routes(app))) is None
