"""Entity tags of revisions (RFC 9110, 8.8.3 and 13.1): `"7"` is the seventh revision."""

import re
from typing import Final

from litestar.types import Scope

from astero_api.web.context import has_header, header
from astero_shared.errors import PreconditionFailedError

_MAX_BYTES: Final = 512
_TAG: Final = re.compile(rb'(W/)?"([\x21\x23-\x7e]*)"')
_LIST: Final = re.compile(rb'\s*(?:W/)?"[\x21\x23-\x7e]*"\s*(?:,\s*(?:W/)?"[\x21\x23-\x7e]*"\s*)*')


def etag(revision: int) -> str:
    return f'"{revision}"'


def is_unchanged(scope: Scope, revision: int) -> bool:
    """If-None-Match names this revision: the client has it. Weak comparison, as the RFC says."""
    given = header(scope, b"if-none-match")
    if given is None or len(given) > _MAX_BYTES:
        return False
    wanted = str(revision).encode()
    return given.strip() == b"*" or any(tag == wanted for _, tag in _TAG.findall(given))


def require_revision(scope: Scope, revision: int) -> None:
    """If-Match, where it is sent, must name this revision. Strong comparison: a weak tag never matches.

    Raises PreconditionFailedError.
    """
    if not has_header(scope, b"if-match"):
        return
    given = header(scope, b"if-match") or b""
    if given.strip() == b"*":
        return
    readable = len(given) <= _MAX_BYTES and _LIST.fullmatch(given) is not None
    wanted = str(revision).encode()
    if not readable or not any(not weak and tag == wanted for weak, tag in _TAG.findall(given)):
        raise PreconditionFailedError(code="precondition_failed")
