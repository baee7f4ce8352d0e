"""What is known of a request before it is routed; one per request, carried in the ASGI scope."""

from dataclasses import dataclass, field
from typing import Any, Final

from litestar.types import Scope

from astero_api.web.access_token import AccessToken
from astero_api.web.identity import Identity
from astero_api.web.second_step import SecondStep
from astero_shared.scope import BotScope, GuildScope

CONTEXT_KEY: Final = "astero"


@dataclass(slots=True)
class RequestContext:
    """`headers` are added to whatever answer is sent; `limited` says the rate limiter has counted it.

    `access` is a token whose signature and times hold; `identity`, `bot` and `guild` are there once
    PostgreSQL has confirmed the session and the right. `second_step` is read on the one route that takes it;
    `page_nonce` is set where the answer is a page, whose scripts carry it; `lasts` where it is a file that
    browsers may keep.
    """

    request_id: str
    client_ip: str
    headers: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    limited: bool = False
    access: AccessToken | None = None
    identity: Identity | None = None
    bot: BotScope | None = None
    guild: GuildScope | None = None
    second_step: SecondStep | None = None
    page_nonce: str | None = None
    lasts: bool = False


def context_of(scope: Scope | dict[str, Any]) -> RequestContext:
    return scope[CONTEXT_KEY]  # pyright: ignore[reportGeneralTypeIssues, reportTypedDictNotRequiredAccess]


def header(scope: Scope, name: bytes) -> bytes | None:
    """The value of the only header of this name (lower case); None where it is absent or repeated."""
    found: bytes | None = None
    for key, value in scope["headers"]:
        if key == name:
            if found is not None:
                return None
            found = value
    return found


def has_header(scope: Scope, name: bytes) -> bool:
    return any(key == name for key, _ in scope["headers"])
