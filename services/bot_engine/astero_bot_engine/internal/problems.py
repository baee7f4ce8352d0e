"""Every error of the private listener is an RFC 9457 problem with `code` and `requestId`."""

from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from loguru import logger

from astero_shared.errors import AsteroError
from astero_shared.ids import new_id

MEDIA_TYPE: Final = "application/problem+json"
_FRAMEWORK: Final[dict[int, tuple[str, str]]] = {
    400: ("request.malformed", "The request could not be read."),
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("request.too_large", "The request is larger than this address takes."),
}


class Problem(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str


def encode_problem(problem: Problem) -> bytes:
    return msgspec.json.encode(problem)


def answer_problem(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The listener's one exception handler; what nobody expected is logged under the id it answers with."""
    request_id = str(new_id())
    if isinstance(error, AsteroError):
        status, code, detail = error.status, error.code, error.detail
    elif isinstance(error, HTTPException) and error.status_code in _FRAMEWORK:
        status = error.status_code
        code, detail = _FRAMEWORK[status]
    else:
        status, code, detail = 500, "internal", "Something broke in the bot engine."
        logger.opt(exception=error).error("internal request failed", reqId=request_id)
    problem = Problem(
        type=f"urn:astero:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=request_id,
    )
    return Response(encode_problem(problem), status_code=status, media_type=MEDIA_TYPE)
