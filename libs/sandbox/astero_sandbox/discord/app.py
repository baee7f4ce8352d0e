"""The whole server in one table of contents: gateway, REST, OAuth2, control API, page."""

from aiohttp import web

from .control.mount import mount_control
from .gateway.endpoint import GatewayEndpoint
from .oauth2.authorize import AuthorizePage
from .page.routes import Page
from .rest.mount import mount_rest
from .sandbox import Sandbox

# Discord takes requests of 25 MiB.
BODY_MAX = 26 * 1024 * 1024


def create_app(sandbox: Sandbox) -> web.Application:
    app = web.Application(client_max_size=BODY_MAX)
    gateway = GatewayEndpoint(sandbox)
    page = Page(sandbox)
    authorize = AuthorizePage(sandbox)

    async def root(request: web.Request) -> web.StreamResponse:
        """A WebSocket here is a bot at the gateway, anything else a person with a browser."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await gateway(request)
        return await page.show(request)

    app.router.add_get("/", root)
    app.router.add_get("/page/events", page.events)
    app.router.add_get("/page/{name}", page.asset)
    for prefix in ("", "/api", "/api/v10"):
        app.router.add_get(f"{prefix}/oauth2/authorize", authorize.show)
        app.router.add_post(f"{prefix}/oauth2/authorize", authorize.decide)
    mount_rest(app, sandbox)
    mount_control(app, sandbox)
    return app
