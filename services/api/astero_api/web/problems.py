"""Every error leaves as an RFC 9457 problem with `code` and `requestId`.

None names a table, a driver or a stack.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final, cast

import msgspec
import psycopg
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.params import QueryParameter
from loguru import logger
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from astero_api.web.context import RequestContext, context_of
from astero_api.web.language import language_of
from astero_shared.errors import AsteroError, InvalidError, NotFoundError, UnavailableError
from astero_shared.i18n import Locale, has_text, text

MEDIA_TYPE: Final = "application/problem+json"


class FieldProblem(msgspec.Struct, frozen=True):
    """One refused field: `pointer` is its JSON Pointer (RFC 6901), or `?name` for a query parameter."""

    pointer: str
    detail: str
    code: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """RFC 9457. `code` is stable, `requestId` finds the log line, `errors` names the refused fields."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: tuple[FieldProblem, ...] = ()


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


class FieldsInvalidError(InvalidError):
    """Several fields refused at once."""

    default_code = "request.invalid_fields"

    def __init__(self, fields: Iterable[FieldProblem]) -> None:
        super().__init__("Some fields were refused; `errors` says which and why.")
        self.fields = tuple(fields)


_FRAMEWORK: Final[dict[int, tuple[str, str]]] = {
    400: ("request.malformed", "The request could not be read."),
    401: ("auth.unauthenticated", "Log in first."),
    403: ("auth.forbidden", "You may not do this."),
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This address does not take that method; see the Allow header."),
    413: ("request.too_large", "The request is larger than this address takes."),
    415: ("request.media_type", "Send application/json."),
}
_INTERNAL: Final = ("internal", "Something broke on our side. It has been logged under this request id.")

_DATABASE_DOWN: Final = UnavailableError(
    "The service cannot reach its data right now. Try again shortly.",
    code="unavailable",
    retry_after=5,
)
# Cannot connect, is shutting down, gave up after its time limit, lost a deadlock, fails over.
_PASSING_STATES: Final = re.compile(r"08...|57...|53...|55P03|40001|40P01|25006")


def _is_database_unavailable(error: BaseException) -> bool:
    if isinstance(error, PoolTimeoutError):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig or error
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError)
    return _PASSING_STATES.fullmatch(error.sqlstate) is not None


def as_astero_error(error: BaseException) -> AsteroError | None:
    """The typed error behind `error`; None where nobody expected it."""
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return as_astero_error(error.exceptions[0])
    if isinstance(error, AsteroError):
        return error
    if _is_database_unavailable(error):
        return _DATABASE_DOWN
    return None


def _log_unexpected(error: BaseException, context: RequestContext) -> None:
    if isinstance(error, DBAPIError):
        # the driver's own text repeats the values of the row
        diagnostics = getattr(error.orig, "diag", None)
        logger.error(
            "database refused: sqlstate={} constraint={}",
            getattr(error.orig, "sqlstate", None),
            getattr(diagnostics, "constraint_name", None),
            reqId=context.request_id,
        )
        return
    logger.opt(exception=error).error("request failed", reqId=context.request_id)


def _detail_in(locale: Locale, code: str, detail: str) -> str:
    """The catalogue's sentence where it translates exactly this one; a more telling one stays as it is."""
    key = f"errors.{code}"
    if locale == "en" or not has_text(key, locale) or text(key, "en") != detail:
        return detail
    return text(key, locale)


def _field_in(locale: Locale, field: FieldProblem) -> FieldProblem:
    if locale == "en":
        return field
    key = f"errors.fields.{field.code}"
    said = text(key, locale) if has_text(key, locale) else _detail_in(locale, field.code, field.detail)
    return FieldProblem(pointer=field.pointer, detail=said, code=field.code)


def problem_for(
    error: BaseException, context: RequestContext, locale: Locale
) -> tuple[Problem, list[tuple[bytes, bytes]]]:
    """The problem to answer and the headers that belong to it. Logs what nobody expected."""
    headers: list[tuple[bytes, bytes]] = []
    fields: tuple[FieldProblem, ...] = ()
    known = as_astero_error(error)
    if known is not None:
        status, code, detail = known.status, known.code, known.detail
        if known.retry_after is not None:
            headers.append((b"retry-after", str(known.retry_after).encode()))
        if isinstance(known, FieldsInvalidError):
            fields = known.fields
        elif known.pointer is not None:
            fields = (FieldProblem(pointer=known.pointer, detail=detail, code=code),)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.warning("answered {} {}", status, code, reqId=context.request_id)
    elif isinstance(error, HTTPException) and error.status_code in _FRAMEWORK:
        status = error.status_code
        code, detail = _FRAMEWORK[status]
        headers.extend(
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in (error.headers or {}).items()
        )
    else:
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value
        code, detail = _INTERNAL
        _log_unexpected(error, context)
    problem = Problem(
        type=f"urn:astero:problem:{code}",
        title=text(f"errors.titles.{status}", locale),
        status=status,
        detail=_detail_in(locale, code, detail),
        code=code,
        request_id=context.request_id,
        errors=tuple(_field_in(locale, field) for field in fields),
    )
    return problem, headers


def _refused_parameters(request: Request[Any, Any, Any], error: ValidationException) -> AsteroError:
    """A path that cannot be read leads nowhere; a query parameter is pointed at. No value is repeated."""
    parameters = request.route_handler.parsed_fn_signature.parameters
    fields: list[FieldProblem] = []
    refused = cast("list[dict[str, str]]", error.extra or [])
    for message in refused:
        name = message.get("key", "")
        declared = parameters[name].kwarg_definition if name in parameters else None
        if not isinstance(declared, QueryParameter):
            return NotFoundError("There is nothing here.")
        shown = declared.query or declared.name or name
        fields.append(FieldProblem(f"?{shown}", message["message"].replace("`", ""), "invalid"))
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
