"""What an error looks like on the wire: an RFC 9457 problem, in words from the catalogue."""

from typing import Final

import msgspec

from astero_shared.errors import AsteroError
from astero_shared.i18n import Locale, text

MEDIA_TYPE: Final = "application/problem+json"

# What the HTTP framework refuses by itself, by status.
FRAMEWORK_CODES: Final[dict[int, str]] = {
    400: "request.malformed",
    401: "auth.unauthenticated",
    403: "auth.forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "request.too_large",
    415: "request.media_type",
}

_TOO_MANY: Final = 429
# draft-ietf-httpapi-ratelimit-headers, "Problem Types": clients know it without knowing us
_QUOTA_EXCEEDED: Final = "https://iana.org/assignments/http-problem-types#quota-exceeded"


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


def in_words(error: AsteroError, locale: Locale) -> str:
    """What the error says to its reader."""
    return text(f"errors.{error.sentence}", locale, **error.params)


def make_problem(
    *,
    status: int,
    code: str,
    request_id: str,
    locale: Locale,
    detail: str | None = None,
    errors: tuple[FieldProblem, ...] = (),
) -> Problem:
    """Without a `detail` the catalogue's sentence for the code."""
    return Problem(
        type=_QUOTA_EXCEEDED if status == _TOO_MANY else f"urn:astero:problem:{code}",
        title=text(f"errors.titles.{status}", locale),
        status=status,
        detail=text(f"errors.{code}", locale) if detail is None else detail,
        code=code,
        request_id=request_id,
        errors=errors,
    )
