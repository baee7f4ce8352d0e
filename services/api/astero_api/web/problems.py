"""Every error leaves as an RFC 9457 problem with `code` and `requestId`.

None names a table, a driver or a stack.
"""

from http import HTTPStatus
from typing import Any, Final, cast

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.params import QueryParameter
from loguru import logger

from astero_api.web.context import RequestContext, context_of
from astero_api.web.language import language_of
from astero_api.web.refusals import tell_refusal
from astero_api.web.refused_fields import FieldsInvalidError, RefusedField, refuse
from astero_shared.db.outages import is_away
from astero_shared.errors import AsteroError, NotFoundError, UnavailableError
from astero_shared.i18n import Locale
from astero_shared.problems import (
    FRAMEWORK_CODES,
    MEDIA_TYPE,
    FieldProblem,
    Problem,
    in_words,
    make_problem,
)


class MalformedError(AsteroError):
    """The bytes are not a request we can read."""

    status = 400
    default_code = "request.malformed"


class TooLargeError(AsteroError):
    status = 413
    default_code = "request.too_large"


class TooSlowError(AsteroError):
    status = 408
    default_code = "request.too_slow"


class MediaTypeError(AsteroError):
    status = 415
    default_code = "request.media_type"


_DATABASE_DOWN: Final = UnavailableError(retry_after=5)


def as_astero_error(error: BaseException) -> AsteroError | None:
    """The typed error behind `error`; None where nobody expected it."""
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return as_astero_error(error.exceptions[0])
    if isinstance(error, AsteroError):
        return error
    if is_away(error):
        return _DATABASE_DOWN
    return None


def problem_for(
    error: BaseException, context: RequestContext, locale: Locale
) -> tuple[Problem, list[tuple[bytes, bytes]]]:
    """The problem to answer and the headers that belong to it. Logs what nobody expected, and attempts."""
    headers: list[tuple[bytes, bytes]] = []
    fields: tuple[FieldProblem, ...] = ()
    detail = None
    known = as_astero_error(error)
    if known is not None:
        status, code, detail = known.status, known.code, in_words(known, locale)
        if known.retry_after is not None:
            headers.append((b"retry-after", str(known.retry_after).encode()))
        if isinstance(known, FieldsInvalidError):
            fields = tuple(field.in_words(locale) for field in known.fields)
        elif known.pointer is not None:
            fields = (FieldProblem(pointer=known.pointer, detail=detail, code=code),)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.warning("answered {} {}", status, code, reqId=context.request_id)
    elif isinstance(error, HTTPException) and error.status_code in FRAMEWORK_CODES:
        status = error.status_code
        code = FRAMEWORK_CODES[status]
        headers.extend(
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in (error.headers or {}).items()
        )
    else:
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value
        code = AsteroError.default_code
        logger.opt(exception=error).error("request failed", reqId=context.request_id)
    tell_refusal(context, status=status, code=code)
    problem = make_problem(
        status=status,
        code=code,
        request_id=context.request_id,
        locale=locale,
        detail=detail,
        errors=fields,
    )
    return problem, headers


def _refused_parameters(request: Request[Any, Any, Any], error: ValidationException) -> AsteroError:
    """A path that cannot be read leads nowhere; a query parameter is pointed at. No value is repeated."""
    parameters = request.route_handler.parsed_fn_signature.parameters
    fields: list[RefusedField] = []
    refused = cast("list[dict[str, str]]", error.extra or [])
    for message in refused:
        name = message.get("key", "")
        declared = parameters[name].kwarg_definition if name in parameters else None
        if not isinstance(declared, QueryParameter):
            return NotFoundError()
        shown = declared.query or declared.name or name
        fields.append(refuse(f"?{shown}", message["message"]))
    return FieldsInvalidError(fields)


def answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's one exception handler."""
    if isinstance(error, ValidationException):
        error = _refused_parameters(request, error)
    problem, headers = problem_for(error, context_of(request.scope), language_of(request.scope))
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in headers},
    )
