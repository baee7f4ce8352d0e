"""The OpenAPI 3.1 document, drawn from the routes themselves: their types, their policy, their sentences.

Whatever a route may answer stands here; a test holds every answer it sees against it.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg, PathParameter, QueryParameter
from litestar.response import Redirect
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition

from astero_api.web.csrf import SAFE_METHODS
from astero_api.web.exactly_one import ExactlyOne
from astero_api.web.openapi_components import EVERY_ANSWER, shared_components
from astero_api.web.policy import Permission, Policy, declared_routes, policy_of
from astero_shared.features.modules.catalog import MODULES
from astero_shared.ids import Snowflake, schema_hook
from astero_shared.problems import Problem

_REF: Final = "#/components/schemas/{name}"
_STEP: Final = re.compile(r"\{(?P<name>[a-z_]+):[a-z]+\}")
_SNOWFLAKE: Final = schema_hook(Snowflake)
_PATH_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "bot_id": {"type": "string", "format": "uuid"},
    "session_id": {"type": "string", "format": "uuid"},
    "guild_id": _SNOWFLAKE | {"examples": ["1109000000000000001"]},
    "module": {"type": "string", "enum": list(MODULES)},
}
_BOUNDS: Final = ("ge", "le", "min_length", "max_length", "pattern")
_INTRODUCTION: Final = (
    "The public API of Astero. JSON in camelCase, Discord ids as strings, times as RFC 3339 in UTC. Every"
    " error is a problem (RFC 9457) with a stable `code`; `requestId` finds it in our logs. Sign in with"
    " `POST /api/auth/login`, which sets the session cookies; requests that change something must come from"
    " the dashboard's own origin: `Sec-Fetch-Site: same-origin`, or its exact `Origin`."
)


def describe(app: Litestar, *, version: str) -> bytes:
    """The whole document as JSON."""
    routes = [
        (route, handler, declared)
        for route, handler in declared_routes(app)
        if (declared := policy_of(handler)) is not None
    ]
    kinds = {kind: None for _, handler, _ in routes for kind in _kinds(handler)}
    kinds |= dict.fromkeys((Problem, *(spec.config for spec in MODULES.values())))
    schemas, components = msgspec.json.schema_components(
        tuple(kinds), schema_hook=schema_hook, ref_template=_REF
    )
    found = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route, handler, declared in sorted(routes, key=lambda entry: entry[0].path_format):
        for method in sorted(handler.http_methods):
            operations = paths.setdefault(documented_path(route), {})
            operations[method.lower()] = _operation(route, handler, declared, found)
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, ExactlyOne):
            components[kind.__name__] |= {"minProperties": 1, "maxProperties": 1}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Astero", "version": version, "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": shared_components(components, found),
    }
    return msgspec.json.encode(document)


def documented_path(route: HTTPRoute) -> str:
    """`/api/bots/{bot_id:uuid}` as clients read it: `/api/bots/{botId}`."""
    return _STEP.sub(lambda match: f"{{{_camel(match['name'])}}}", route.path)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _kinds(handler: HTTPRouteHandler) -> Iterator[Any]:
    body = handler.parsed_data_field
    if body is not None:
        yield body.annotation
    yield from _answer_kinds(handler)


def _answer_kinds(handler: HTTPRouteHandler) -> list[Any]:
    """The structs a handler answers with; none where it answers without a body, or with its own bytes."""
    kind = handler.parsed_fn_signature.return_type.annotation
    if get_origin(kind) is Response:
        (kind,) = get_args(kind)
    arms = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
    return [
        arm
        for arm in arms
        if arm not in {None, NoneType, bytes} and not (isinstance(arm, type) and issubclass(arm, Response))
    ]


def _operation(
    route: HTTPRoute, handler: HTTPRouteHandler, declared: Policy, found: dict[Any, dict[str, Any]]
) -> dict[str, Any]:
    summary, _, description = (handler.fn.__doc__ or handler.fn.__name__).strip().partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": _camel(handler.fn.__name__),
        "summary": " ".join(summary.split()),
        "tags": [handler.fn.__module__.split(".")[-2]],
        "parameters": [*_path_parameters(route, handler), *_query_parameters(handler)],
        "responses": _responses(route, handler, declared, found),
        "x-permission": declared.permission.value,
        "x-rate-limit": declared.limit.tier.name,
    }
    if description:
        operation["description"] = " ".join(description.split())
    if declared.permission is Permission.SECOND_STEP:
        operation["security"] = [{"secondStep": []}]
    elif declared.permission is not Permission.PUBLIC:
        operation["security"] = [{"session": []}]
    if declared.fresh:
        operation["x-reauthentication"] = "at most 5 minutes ago"
    body = handler.parsed_data_field
    if body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {name: {"schema": found[body.annotation]} for name in declared.body.media_types},
        }
    if declared.revisions:
        operation["parameters"] += [_revision_header(declared.revisions)]
    return operation


def _revision_header(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "schema": {"type": "string", "examples": ['"7"']},
        "description": "The entity tag of a revision (RFC 9110, 13.1).",
    }


def _path_parameters(route: HTTPRoute, handler: HTTPRouteHandler) -> Iterator[dict[str, Any]]:
    fields = handler.parsed_fn_signature.parameters
    for match in _STEP.finditer(route.path):
        name = match["name"]
        field = fields.get(name)
        declared = None if field is None else field.kwarg_definition
        schema = _PATH_SCHEMAS.get(name)
        if schema is None and field is not None:
            schema = _schema(field, declared)
        shown: dict[str, Any] = {"name": _camel(name), "in": "path", "required": True, "schema": schema}
        if isinstance(declared, PathParameter) and declared.description:
            shown["description"] = declared.description
        yield shown


def _query_parameters(handler: HTTPRouteHandler) -> Iterator[dict[str, Any]]:
    for name, field in handler.parsed_fn_signature.parameters.items():
        declared = field.kwarg_definition
        if not isinstance(declared, QueryParameter):
            continue
        shown: dict[str, Any] = {
            "name": declared.query or declared.name or name,
            "in": "query",
            "required": not field.has_default,
            "schema": _schema(field, declared),
        }
        if field.has_default and field.default is not None:
            shown["schema"] |= {"default": field.default}
        if declared.description:
            shown["description"] = declared.description
        yield shown


def _schema(field: FieldDefinition, declared: Any) -> dict[str, Any]:
    kind: Any = field.annotation
    if get_origin(kind) in {Union, UnionType}:
        kind = next(arm for arm in get_args(kind) if arm is not NoneType)
    bounds = {
        name: getattr(declared, name)
        for name in _BOUNDS
        if isinstance(declared, ParameterKwarg) and getattr(declared, name) is not None
    }
    schema = msgspec.json.schema(Annotated[kind, msgspec.Meta(**bounds)], schema_hook=schema_hook)
    if "$ref" in schema:
        # an enum of its own: small enough to stand where it is used
        (schema,) = schema["$defs"].values()
    return schema


def _responses(
    route: HTTPRoute, handler: HTTPRouteHandler, declared: Policy, found: dict[Any, dict[str, Any]]
) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    status = handler.status_code
    shapes = [found[kind] for kind in _answer_kinds(handler)]
    returned = handler.parsed_fn_signature.return_type.annotation
    if isinstance(returned, type) and issubclass(returned, Redirect):
        answers["303"] = {
            "description": "Go on there.",
            "headers": EVERY_ANSWER | {"Location": {"schema": {"type": "string"}}},
        }
    else:
        done: dict[str, Any] = {"description": HTTPStatus(status).phrase, "headers": dict(EVERY_ANSWER)}
        if shapes:
            schema = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
            done["content"] = {"application/json": {"schema": schema}}
        elif status == HTTPStatus.OK:
            kind = str(handler.media_type or "application/json")
            if kind.startswith("text/"):
                done["content"] = {f"{kind}; charset=utf-8": {"schema": {"type": "string"}}}
            else:
                done["content"] = {"application/json": {"schema": {"type": "object"}}}
        if declared.revisions:
            done["headers"]["ETag"] = {"schema": {"type": "string"}, "description": "The revision."}
        answers[str(status)] = done
    if declared.revisions == "If-None-Match":
        answers["304"] = {"description": "The client has this revision.", "headers": EVERY_ANSWER}
    for code in sorted(_problems(route, handler, declared)):
        answers[str(code)] = {"$ref": f"#/components/responses/Problem{code}"}
    return answers


def _problems(route: HTTPRoute, handler: HTTPRouteHandler, declared: Policy) -> set[int]:
    """The statuses a route may refuse with; those of the whole web layer follow from what it takes."""
    # 403: an address that is shut out
    refusals = {400, 403, 422, 429, 500, 503, *declared.refusals}
    if declared.permission is not Permission.PUBLIC:
        refusals.add(401)
    if route.path_parameters:
        refusals.add(404)
    if not handler.http_methods <= SAFE_METHODS:
        refusals.add(415)
    if handler.parsed_data_field is not None:
        refusals |= {408, 413}
    if declared.revisions == "If-Match":
        refusals.add(412)
    return refusals
