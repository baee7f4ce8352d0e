"""Where browsers tell that one of our pages tried what its policy forbids: an attack, or a slip of ours."""

from dataclasses import asdict
from typing import Any, Final

from litestar import Request, post
from litestar.params import JSONBody
from loguru import logger

from astero_api.features.reports.rules import violations_in
from astero_api.web.json_body import BodyRule
from astero_api.web.limits import REPORT
from astero_api.web.policy import AuditClass, Permission, policy
from astero_api.web.security_headers import CSP_REPORTS_PATH

_REPORTS: Final = BodyRule(("application/reports+json", "application/csp-report"), most_bytes=8 * 1024)


@post(
    CSP_REPORTS_PATH,
    opt=policy(permission=Permission.PUBLIC, limit=REPORT, audit=AuditClass.NONE, body=_REPORTS),
    status_code=204,
)
async def take_csp_reports(
    request: Request[Any, Any, Any], data: JSONBody[list[dict[str, Any]] | dict[str, Any]]
) -> None:
    """What a browser reports of a page of ours and its Content-Security-Policy.

    Each violation is one line `csp.violation` of the log; nothing else is kept.
    """
    paths = frozenset(route.path for route in request.app.routes)
    for violation in violations_in(data, paths=paths):
        logger.warning("csp.violation", **asdict(violation))
