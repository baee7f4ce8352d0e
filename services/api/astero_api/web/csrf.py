"""A browser on another site cannot make a signed-in visitor change anything.

Fetch Metadata decides where it is sent, the exact Origin where it is not; a body must be JSON, which no form
can send. A request with neither header comes from a program, which has no ambient cookies, and passes.
"""

from typing import Final

from litestar.types import Scope

from astero_api.web.context import has_header, header
from astero_api.web.json_body import require_json
from astero_shared.errors import ForbiddenError

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SAME_SITE_VALUES: Final = frozenset({b"same-origin", b"none"})


def _has_body(scope: Scope) -> bool:
    if has_header(scope, b"transfer-encoding"):
        return True
    return header(scope, b"content-length") not in {None, b"0"}


def refuse_cross_site(scope: Scope, origin: bytes) -> None:
    """Raises ForbiddenError `auth.cross_site` (403) or MediaTypeError (415). `origin` is the dashboard's."""
    if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
        return
    fetch_site = header(scope, b"sec-fetch-site")
    if has_header(scope, b"sec-fetch-site") and fetch_site not in _SAME_SITE_VALUES:
        raise ForbiddenError("This request came from another site.", code="auth.cross_site")
    if has_header(scope, b"origin") and header(scope, b"origin") != origin:
        raise ForbiddenError("This request came from another site.", code="auth.cross_site")
    if _has_body(scope):
        require_json(header(scope, b"content-type"))
