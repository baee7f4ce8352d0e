"""Every error of the private listener is an RFC 9457 problem with `code` and `requestId`, in English."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from loguru import logger

from astero_shared.errors import AsteroError
from astero_shared.ids import new_id
from astero_shared.problems import FRAMEWORK_CODES, MEDIA_TYPE, in_words, make_problem


def answer_problem(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The listener's one exception handler; what nobody expected is logged under the id it answers with."""
    request_id = str(new_id())
    detail = None
    if isinstance(error, AsteroError):
        status, code, detail = error.status, error.code, in_words(error, "en")
    elif isinstance(error, HTTPException) and error.status_code in FRAMEWORK_CODES:
        status = error.status_code
        code = FRAMEWORK_CODES[status]
    else:
        status, code = 500, AsteroError.default_code
        logger.opt(exception=error).error("internal request failed", reqId=request_id)
    problem = make_problem(status=status, code=code, request_id=request_id, locale="en", detail=detail)
    return Response(msgspec.json.encode(problem), status_code=status, media_type=MEDIA_TYPE)
