"""The table of REST routes: what a handler gets, what it may return, and which bucket it draws from."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from astero_sandbox.discord import errors
from astero_sandbox.discord.models import Application, User
from astero_sandbox.discord.oauth2.grants import Grant
from astero_sandbox.discord.sandbox import Sandbox

from .rate_limits import Bucket

_SNOWFLAKE_MAX = 1 << 63


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart body; its bytes are not kept."""

    filename: str
    content_type: str | None
    size: int


@dataclass(slots=True, kw_only=True)
class Call:
    """One request. `app` is None on routes that need no bot (`auth` none or a person's Bearer)."""

    sandbox: Sandbox
    app: Application | None
    person: User | None = None
    grant: Grant | None = None
    authorization: str | None = None
    path: dict[str, str]
    query: dict[str, str]
    body: Any = None
    uploads: list[Upload] = field(default_factory=list)
    reason: str | None = None

    @property
    def scopes(self) -> frozenset[str]:
        """What the person behind a Bearer token granted."""
        return frozenset() if self.grant is None else self.grant.scopes

    @property
    def bot(self) -> Application:
        """The calling application; asking for it on a route without a bot is a mistake of ours."""
        if self.app is None:
            raise errors.unauthorized()
        return self.app

    def id(self, name: str) -> int:
        """A snowflake of the path; anything else is Discord's 50035."""
        return snowflake(name, self.path[name])

    def form(self) -> dict[str, Any]:
        """The JSON object of the body; an absent one is an empty object."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise errors.invalid_form(
                errors.field_error(
                    "DICT_TYPE_CONVERT",
                    "Only dictionaries may be used in a DictType",
                )
            )
        return self.body


@dataclass(frozen=True, slots=True)
class Reply:
    """For anything but 200 with a body or 204 without one."""

    status: int
    body: Any = None


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`auth`: bot, bearer (a person or a bot), token (in the path) or none."""

    method: str
    path: str
    handler: Handler
    bucket: Bucket
    auth: str
    is_global: bool


ROUTES: list[Route] = []


def route(
    method: str,
    path: str,
    *,
    limit: tuple[int, float] = (10, 10.0),
    bucket: str | None = None,
    auth: str = "bot",
    is_global: bool = True,
) -> Callable[[Handler], Handler]:
    """Register a handler. `limit` is (calls, seconds); routes naming the same `bucket` share it."""

    def register(handler: Handler) -> Handler:
        ROUTES.append(
            Route(
                method=method,
                path=path,
                handler=handler,
                bucket=Bucket(bucket or f"{method} {path}", *limit),
                auth=auth,
                is_global=is_global,
            )
        )
        return handler

    return register


def snowflake(name: str, value: object) -> int:
    text = str(value)
    if isinstance(value, int | str) and text.isdigit() and int(text) < _SNOWFLAKE_MAX:
        return int(text)
    raise errors.invalid_form(
        {name: errors.field_error("NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')}
    )
