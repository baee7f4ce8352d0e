"""Put the control API under /sandbox."""

from aiohttp import web

from astero_sandbox.discord.errors import ControlError
from astero_sandbox.discord.sandbox import Sandbox

from . import applications, commands, faults, guilds, interactions, log, members, messages
from .routing import CONTROLS, control_handler, problem

SUBJECTS = (applications, commands, faults, guilds, interactions, log, members, messages)


def mount_control(app: web.Application, sandbox: Sandbox) -> None:
    for method, path, handler in CONTROLS:
        app.router.add_route(method, f"/sandbox{path}", control_handler(sandbox, handler))

    async def refuse(request: web.Request) -> web.StreamResponse:
        detail = f"There is no {request.method} {request.path} in the control API."
        return problem(ControlError(404, "unknown_route", detail))

    app.router.add_route("*", "/sandbox/{rest:.*}", refuse)
