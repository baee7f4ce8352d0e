"""What every operation of the OpenAPI document refers to: schemas, problems, headers and the two cookies."""

from http import HTTPStatus
from typing import Any, Final

from astero_api.web.cookies import ACCESS_COOKIE, MFA_COOKIE
from astero_shared.features.modules.catalog import MODULES
from astero_shared.problems import MEDIA_TYPE, Problem

EVERY_ANSWER: Final = {
    "X-Request-Id": {"$ref": "#/components/headers/RequestId"},
    "RateLimit": {"$ref": "#/components/headers/RateLimit"},
    "RateLimit-Policy": {"$ref": "#/components/headers/RateLimitPolicy"},
}
_WAITS: Final = frozenset({429, 503})


def shared_components(schemas: dict[str, Any], found: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    """`found` are the references of the kinds themselves, `schemas` what they lead to."""
    # settings travel as they are rendered; their types are the modules' own
    settings = {"anyOf": [found[spec.config] for spec in MODULES.values()]}
    for name in ("SettingsOut", "RevisionOut"):
        if name in schemas:
            schemas[name]["properties"]["config"] = settings
    return {
        "schemas": schemas,
        "responses": {f"Problem{code}": _problem(code, found[Problem]) for code in _ALL_PROBLEMS},
        "headers": {
            "RequestId": {"schema": {"type": "string", "format": "uuid"}},
            "RateLimit": {
                "schema": {"type": "string", "examples": ['"ip";r=59;t=1, "read";r=119;t=1']},
                "description": "What remains of each limit, and the seconds until there is more.",
            },
            "RateLimitPolicy": {
                "schema": {
                    "type": "string",
                    "examples": ['"ip";q=300;w=60;astero-burst=60, "read";q=120;w=60'],
                },
                "description": "`q` requests in `w` seconds, at most `astero-burst` of them at once.",
            },
            "RetryAfter": {
                "schema": {"type": "integer", "minimum": 1},
                "description": "Seconds.",
            },
        },
        "securitySchemes": {
            "session": {"type": "apiKey", "in": "cookie", "name": ACCESS_COOKIE},
            "secondStep": {"type": "apiKey", "in": "cookie", "name": MFA_COOKIE},
        },
    }


_ALL_PROBLEMS: Final = (
    400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 429, 500, 503,
)  # fmt: skip


def _problem(code: int, schema: dict[str, Any]) -> dict[str, Any]:
    phrase = HTTPStatus(code).phrase
    headers: dict[str, Any] = dict(EVERY_ANSWER)
    if code in _WAITS:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    example = {
        "type": "urn:astero:problem:…",
        "title": phrase,
        "status": code,
        "detail": "One sentence that says what to do.",
        "code": "…",
        "requestId": "01a20938-5afd-76e5-b3f1-4f9e28a628b5",
    }
    return {
        "description": phrase,
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }
