"""The private listener's door: nothing behind it is reached without the shared secret.

Every kind of wrong (missing, another scheme, another secret, bytes that are no text, two headers) gets the
same bytes, for paths that exist and for those that do not.
"""

from typing import Final
from uuid import UUID

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from astero_shared.i18n import text
from astero_shared.internal.secret import is_authorized
from astero_shared.observability.security_events import log_security_event
from astero_shared.problems import MEDIA_TYPE, make_problem
from astero_shared.settings import SecretRing

# A stranger's request is looked at no further, so there is no log line that an id could point to.
_NO_REQUEST: Final = str(UUID(int=0))
REFUSAL: Final = msgspec.json.encode(
    make_problem(
        status=401,
        code="auth.unauthenticated",
        request_id=_NO_REQUEST,
        locale="en",
        detail=text("errors.engine.api_only", "en"),
    )
)


class Door:
    """ASGI: checks the credential before anything reads the path or the body."""

    def __init__(self, behind: ASGIApp, secrets: SecretRing) -> None:
        self._behind = behind
        self._secrets = secrets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        presented = [value for name, value in scope["headers"] if name == b"authorization"]
        if is_authorized(presented, self._secrets):
            await self._behind(scope, receive, send)
            return
        # a unix socket has no peer that could be named
        client = scope.get("client")
        log_security_event("internal.refused", ip=client[0] if client else None, given=bool(presented))
        await send(
            {
                "type": "http.response.start",
                "status": 401,
                "headers": [
                    (b"content-type", MEDIA_TYPE.encode()),
                    (b"content-length", str(len(REFUSAL)).encode()),
                    (b"www-authenticate", b"Bearer"),
                ],
            }
        )
        await send({"type": "http.response.body", "body": REFUSAL, "more_body": False})
