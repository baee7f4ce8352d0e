"""Which refusals are told of as security events: attempts to get past a control, whether meant so or not.

What an honest client meets every day (not signed in, not found, changed meanwhile) leaves no line.
"""

from typing import Final

from astero_api.web.context import RequestContext
from astero_shared.observability.security_events import SecurityEventName, log_security_event

_BY_CODE: Final[dict[str, SecurityEventName]] = {
    "auth.banned": "ban.refused",
    "auth.cross_site": "csrf.refused",
    "auth.invalid_credentials": "auth.login.failed",
    "auth.password_wrong": "auth.proof.failed",
    # a browser that comes back from Discord and was not sent there
    "discord_accounts.state_invalid": "csrf.refused",
    "mfa.invalid_code": "auth.mfa.failed",
    "passkeys.refused": "auth.passkey.failed",
    "webhooks.url_forbidden": "ssrf.refused",
}
_BY_STATUS: Final[dict[int, SecurityEventName]] = {
    400: "input.refused",
    403: "authz.refused",
    408: "input.refused",
    413: "input.refused",
    415: "input.refused",
    422: "input.refused",
    429: "limit.refused",
}


def tell_refusal(context: RequestContext, *, status: int, code: str) -> None:
    """One line, or none."""
    event = _BY_CODE.get(code) or _BY_STATUS.get(status)
    if event is not None:
        log_security_event(event, ip=context.client_ip, code=code)
