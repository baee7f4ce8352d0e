"""Every error a user may see: typed, with a stable code and an HTTP status.

What it says stands in `locales/`, under `errors.<code>`, in every language.

AsteroError
├── InvalidError              422   the request was understood and refused; `pointer` names the field
├── UnauthenticatedError      401
├── ForbiddenError            403   visible, but not allowed
├── NotFoundError             404   does not exist, or is none of the asker's business
├── ConflictError             409
├── GoneError                 410
├── PreconditionFailedError   412
├── TooManyRequestsError      429
└── UnavailableError          503   try again later
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class AsteroError(Exception):
    """Base of all. `code` is stable (`bots.token_invalid`).

    `sentence` names another entry below `errors.` where one code has several things to say, and `params` fill
    it in. All of it reaches users: it never holds a secret, a driver's text or another tenant's data.
    `retry_after` is in whole seconds and becomes the Retry-After header.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal"

    def __init__(
        self,
        *,
        code: str | None = None,
        sentence: str | None = None,
        params: Mapping[str, Any] | None = None,
        pointer: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.code = code or self.default_code
        super().__init__(self.code)
        self.sentence = sentence or self.code
        self.params = params or {}
        self.pointer = pointer
        self.retry_after = retry_after


class InvalidError(AsteroError):
    """`pointer` is the JSON Pointer (RFC 6901) of the field, or None for the whole."""

    status = 422
    default_code = "request.invalid"


class UnauthenticatedError(AsteroError):
    status = 401
    default_code = "auth.unauthenticated"


class ForbiddenError(AsteroError):
    status = 403
    default_code = "auth.forbidden"


class NotFoundError(AsteroError):
    status = 404
    default_code = "not_found"


class ConflictError(AsteroError):
    status = 409
    default_code = "conflict"


class GoneError(AsteroError):
    status = 410
    default_code = "gone"


class PreconditionFailedError(AsteroError):
    status = 412
    default_code = "precondition_failed"


class TooManyRequestsError(AsteroError):
    status = 429
    default_code = "rate_limited"


class UnavailableError(AsteroError):
    status = 503
    default_code = "unavailable"
