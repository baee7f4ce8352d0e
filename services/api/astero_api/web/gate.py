"""What a routed request passes before its body is read: the limit, the origin, the session, the right."""

from functools import partial

from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from astero_api.web.access import GuildManagers, authorise, refuse_stale
from astero_api.web.access_token import AccessToken, AccessTokens
from astero_api.web.context import context_of
from astero_api.web.cookies import ACCESS_COOKIE, MFA_COOKIE, clear_cookie, is_sent, read_cookie
from astero_api.web.csrf import refuse_cross_site
from astero_api.web.json_body import JSON_BODY
from astero_api.web.limits import UNROUTED
from astero_api.web.pace import Pace
from astero_api.web.path_values import refuse_odd_path
from astero_api.web.policy import Permission, policy_of
from astero_api.web.query import refuse_bad_query
from astero_api.web.rate_limit import LimitExceededError, RateLimiter
from astero_api.web.reader import Reader
from astero_api.web.second_step import SecondStep, SecondStepTokens
from astero_shared.errors import NotFoundError, UnauthenticatedError
from astero_shared.networks import bucket_of
from astero_shared.observability.logs import add_request_facts
from astero_shared.observability.security_events import log_security_event


class Gate(ASGIMiddleware):
    """Runs after routing, so that the route's own policy decides."""

    scopes = (ScopeType.HTTP,)

    def __init__(
        self,
        *,
        limiter: RateLimiter,
        tokens: AccessTokens,
        second_steps: SecondStepTokens,
        reader: Reader,
        managers: GuildManagers | None,
        origin: str,
    ) -> None:
        """`managers` answers for the shared bot; without it nobody manages a server through that one."""
        self._managers = managers
        self._limiter = limiter
        self._pace = Pace()
        self._tokens = tokens
        self._second_steps = second_steps
        self._reader = reader
        self._origin = origin.encode("ascii")

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        handler = scope["route_handler"]
        if not isinstance(handler, HTTPRouteHandler):
            raise NotFoundError
        declared = policy_of(handler)
        context = context_of(scope)
        context.access = access = self._access(scope)
        user_id = None if access is None else access.user_id
        if declared is not None and declared.permission is Permission.SECOND_STEP:
            # whose code is guessed counts, not who else is signed in here
            context.second_step = step = self._second_step(scope)
            user_id = None if step is None else step.user_id
        context.limited = True
        limit = UNROUTED if declared is None else declared.limit
        try:
            context.headers += await self._limiter.charge(
                address=bucket_of(context.client_ip),
                user=None if user_id is None else str(user_id),
                limit=limit,
                route=scope["path_template"],
            )
        except LimitExceededError as error:
            context.headers += error.headers
            raise
        if limit.paced:
            await self._pace.step_in()
        refuse_cross_site(scope, self._origin, JSON_BODY if declared is None else declared.body)
        if scope["path_params"]:
            refuse_odd_path(scope)
        if declared is not None:
            try:
                await authorise(
                    context,
                    declared.permission,
                    scope["path_params"],
                    reader=self._reader,
                    managers=self._managers,
                    ask_again="DELETE" in handler.http_methods,
                )
            except UnauthenticatedError:
                _drop_cookie(scope, declared.permission)
                raise
            if declared.fresh:
                refuse_stale(context)
            if scope["query_string"]:
                refuse_bad_query(handler, scope["query_string"])
        await next_app(scope, receive, send)

    def _access(self, scope: Scope) -> AccessToken | None:
        cookie = read_cookie(scope, ACCESS_COOKIE)
        access = None if cookie is None else self._tokens.read(cookie, partial(_tell_forged, scope, "access"))
        if access is not None:
            add_request_facts(user=str(access.user_id))
        return access

    def _second_step(self, scope: Scope) -> SecondStep | None:
        cookie = read_cookie(scope, MFA_COOKIE)
        if cookie is None:
            return None
        return self._second_steps.read(cookie, partial(_tell_forged, scope, "second_step"))


def _tell_forged(scope: Scope, kind: str, reason: str) -> None:
    ip = context_of(scope).client_ip
    log_security_event("auth.token.refused", ip=ip, kind=kind, reason=reason)


def _drop_cookie(scope: Scope, permission: Permission) -> None:
    """What opens nothing any more the browser need not keep."""
    name = MFA_COOKIE if permission is Permission.SECOND_STEP else ACCESS_COOKIE
    if is_sent(scope, name):
        context_of(scope).headers.append(clear_cookie(name))
