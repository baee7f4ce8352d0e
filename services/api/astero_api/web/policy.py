"""A route declares its permission, its limit and its audit class, or the app does not start."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from litestar import Litestar
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from astero_api.web.csrf import SAFE_METHODS
from astero_api.web.identity import Identity
from astero_api.web.json_body import JSON_BODY, BodyRule
from astero_api.web.limits import RouteLimit
from astero_api.web.second_step import SecondStep
from astero_shared.scope import BotScope, GuildScope

POLICY_KEY: Final = "policy"


class Permission(StrEnum):
    """Who may call: checked by the dependency that makes the typed value the handler must take."""

    PUBLIC = "public"
    SECOND_STEP = "second_step"
    SIGNED_IN = "signed_in"
    BOT_VIEWER = "bot_viewer"
    BOT_OWNER = "bot_owner"
    GUILD_MANAGER = "guild_manager"


class AuditClass(StrEnum):
    """What a call that changes something leaves in the audit log, in the transaction of the change.

    `change` is about a bot or a server, for those who manage it to read; `security` is about how an account
    is entered and kept, for its own user to read.
    """

    NONE = "none"
    CHANGE = "change"
    SECURITY = "security"


RevisionHeader = Literal["If-Match", "If-None-Match"]


@dataclass(frozen=True, slots=True)
class Policy:
    permission: Permission
    limit: RouteLimit
    audit: AuditClass
    refusals: frozenset[int]
    revisions: RevisionHeader | None
    fresh: bool
    body: BodyRule


# A handler cannot reach tenant data without taking the proof that its permission was checked.
_PROOF: Final[dict[Permission, type | None]] = {
    Permission.PUBLIC: None,
    Permission.SECOND_STEP: SecondStep,
    Permission.SIGNED_IN: Identity,
    Permission.BOT_VIEWER: BotScope,
    Permission.BOT_OWNER: BotScope,
    Permission.GUILD_MANAGER: GuildScope,
}

_PATH: Final[dict[Permission, frozenset[str]]] = {
    Permission.PUBLIC: frozenset(),
    Permission.SECOND_STEP: frozenset(),
    Permission.SIGNED_IN: frozenset(),
    Permission.BOT_VIEWER: frozenset({"bot_id"}),
    Permission.BOT_OWNER: frozenset({"bot_id"}),
    Permission.GUILD_MANAGER: frozenset({"bot_id", "guild_id"}),
}


def policy(
    *,
    permission: Permission,
    limit: RouteLimit,
    audit: AuditClass,
    refusals: Iterable[int] = (),
    revisions: RevisionHeader | None = None,
    fresh: bool = False,
    body: BodyRule = JSON_BODY,
) -> dict[str, Any]:
    """The `opt` of a route handler.

    `refusals` are the statuses of its own beyond those of the whole web layer, for the documentation;
    `revisions` names the conditional header it understands; `fresh` asks that the session's user proved who
    they are within the last five minutes; `body` is for what browsers send by themselves.
    """
    return {
        POLICY_KEY: Policy(
            permission=permission,
            limit=limit,
            audit=audit,
            refusals=frozenset(refusals),
            revisions=revisions,
            fresh=fresh,
            body=body,
        )
    }


def policy_of(handler: HTTPRouteHandler) -> Policy | None:
    """None only for the OPTIONS handlers that the framework adds."""
    return handler.opt.get(POLICY_KEY)


def declared_routes(app: Litestar) -> list[tuple[HTTPRoute, HTTPRouteHandler]]:
    """Every route of ours; the framework's own OPTIONS answers are left out."""
    return [
        (route, handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.http_methods != {"OPTIONS"}
    ]


def _complaints(route: HTTPRoute, handler: HTTPRouteHandler) -> Iterator[str]:
    if route.path.lower().startswith("/internal"):
        yield "lies under /internal, which the public side never serves"
    declared = policy_of(handler)
    if declared is None:
        yield "declares no policy"
        return
    proof = _PROOF[declared.permission]
    taken = {field.annotation for field in handler.parsed_fn_signature.parameters.values()}
    if proof is not None and proof not in taken:
        yield f"is for {declared.permission} and takes no {proof.__name__}"
    if proof is None and taken & {SecondStep, Identity, BotScope, GuildScope}:
        yield "is public and takes the proof of a permission"
    wanted = _PATH[declared.permission]
    if not wanted <= route.path_parameters.keys():
        yield f"is for {declared.permission} and its path does not name {sorted(wanted)}"
    changes = not handler.http_methods <= SAFE_METHODS
    if changes and proof is not None and declared.audit is AuditClass.NONE:
        yield "changes something and leaves no audit row"
    yield from _contradictions(declared)


def _contradictions(declared: Policy) -> Iterator[str]:
    signed_in = declared.permission not in {Permission.PUBLIC, Permission.SECOND_STEP}
    if declared.audit is AuditClass.SECURITY and _PATH[declared.permission]:
        yield "is about a bot, and its audit row would be an account's own"
    if declared.audit is AuditClass.CHANGE and not signed_in:
        yield "changes a bot or a server for somebody who is not signed in"
    if declared.fresh and not signed_in:
        yield "asks for a recent proof of somebody who is not signed in"
    if declared.body != JSON_BODY and (signed_in or declared.audit is not AuditClass.NONE):
        yield "takes what browsers send by themselves, and does something for somebody"


def refuse_undeclared_routes(app: Litestar) -> None:
    """Raises ImproperlyConfiguredException listing every route that breaks the rule."""
    complaints = [
        f"{'|'.join(sorted(handler.http_methods))} {route.path} {complaint}"
        for route, handler in declared_routes(app)
        for complaint in _complaints(route, handler)
    ]
    if complaints:
        raise ImproperlyConfiguredException("routes without a valid policy: " + "; ".join(complaints))
