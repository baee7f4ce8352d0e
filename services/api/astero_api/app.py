"""The api, put together: settings in, one ASGI application out."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar import Litestar

from astero_api.features.health.routes import live
from astero_api.settings import ApiSettings
from astero_api.web.access_token import AccessTokens
from astero_api.web.edge import Edge
from astero_api.web.gate import Gate
from astero_api.web.json_body import MAX_BODY_BYTES
from astero_api.web.limits import Tiers
from astero_api.web.policy import refuse_undeclared_routes
from astero_api.web.problems import answer_problem
from astero_api.web.rate_limit import RateLimiter, connect
from astero_api.web.request import ApiRequest
from astero_shared.ids import Snowflake, decode_hook, encode_hook

ROUTES = (live,)


def create_app(settings: ApiSettings, *, tiers: Tiers | None = None) -> Edge:
    """Raises ImproperlyConfiguredException when a route declares no policy."""
    redis = connect(settings.redis_url.reveal())
    limiter = RateLimiter(redis, tiers=tiers or Tiers(), workers=settings.api_workers)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None]:
        yield
        await redis.aclose()

    app = Litestar(
        route_handlers=list(ROUTES),
        lifespan=[lifespan],
        middleware=[
            Gate(
                limiter=limiter,
                tokens=AccessTokens(settings.jwt_secret),
                origin=settings.public_url,
            )
        ],
        exception_handlers={Exception: answer_problem},
        request_class=ApiRequest,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
        type_encoders={Snowflake: encode_hook},
        type_decoders=[(lambda kind: kind is Snowflake, decode_hook)],
    )
    refuse_undeclared_routes(app)
    return Edge(app, limiter=limiter, trusted=settings.trusted_proxies)
