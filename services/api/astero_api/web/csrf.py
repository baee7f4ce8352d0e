"""A browser on another site cannot make a signed-in visitor change anything.

Fetch Metadata decides where it is sent, the exact Origin where it is not, and a request that names neither is
refused; what is sent must be JSON, which no form can send.
"""

from typing import Final

from litestar.types import Scope

from astero_api.web.context import has_header, header
from astero_api.web.json_body import JSON_BODY, BodyRule
from astero_shared.errors import ForbiddenError

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def _has_body(scope: Scope) -> bool:
    if has_header(scope, b"transfer-encoding"):
        return True
    return header(scope, b"content-length") not in {None, b"0"}


def _is_ours(scope: Scope, origin: bytes) -> bool:
    """A header sent twice counts as neither value; two that contradict each other are no proof."""
    told = has_header(scope, b"origin")
    if told and header(scope, b"origin") != origin:
        return False
    if has_header(scope, b"sec-fetch-site"):
        return header(scope, b"sec-fetch-site") == b"same-origin"
    return told


def refuse_cross_site(scope: Scope, origin: bytes, body: BodyRule = JSON_BODY) -> None:
    """Raises ForbiddenError `auth.cross_site` (403) or MediaTypeError (415). `origin` is the dashboard's."""
    if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
        return
    if not _is_ours(scope, origin):
        raise ForbiddenError(code="auth.cross_site")
    # an empty form has no body and still says that it is one
    if _has_body(scope) or has_header(scope, b"content-type"):
        body.require(header(scope, b"content-type"))
