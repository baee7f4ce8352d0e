"""The API's own description."""

from typing import Any

from litestar import Request, Response, get

from astero_api.web.limits import READ
from astero_api.web.policy import AuditClass, Permission, policy


@get(
    "/api/openapi.json",
    opt=policy(permission=Permission.PUBLIC, limit=READ, audit=AuditClass.NONE),
    sync_to_thread=False,
)
def get_openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The description of this API: OpenAPI 3.1."""
    return Response(request.app.state.reference(), media_type="application/json")
