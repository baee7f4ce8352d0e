"""The whole server in one table of contents: gateway, REST, OAuth2, control API, page."""

from aiohttp import web

from .control.mount import mount_control
from .gateway.endpoint import GatewayEndpoint
from .rest.mount import mount_rest
from .sandbox import Sandbox

BODY_MAX = 26 * 1024 * 1024


def create_app(sandbox: Sandbox) -> web.Application:
    app = web.Application(client_max_size=BODY_MAX)
    gateway = GatewayEndpoint(sandbox)
    mount_rest(app, sandbox)
    mount_control(app, sandbox)

    async def root(request: web.Request) -> web.StreamResponse:
        return await gateway(request)

    app.router.add_get("/", root)
    return app
