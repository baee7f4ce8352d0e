"""Put every registered route under /api/v10, and Discord's own 404 and 405 under the rest of /api."""

import re

import orjson
from aiohttp import web

from astero_sandbox.discord import errors
from astero_sandbox.discord.sandbox import Sandbox

from . import (
    applications,
    bans,
    channels,
    commands,
    gateway,
    guilds,
    interactions,
    members,
    messages,
    oauth2,
    reactions,
    roles,
    users,
    webhooks,
)
from .pipeline import Pipeline
from .routing import ROUTES

_PARAMETER = re.compile(r"\{\w+\}")
PREFIXES = ("/api/v10", "/api")
RESOURCES = (
    applications,
    bans,
    channels,
    commands,
    gateway,
    guilds,
    interactions,
    members,
    messages,
    oauth2,
    reactions,
    roles,
    users,
    webhooks,
)


def mount_rest(app: web.Application, sandbox: Sandbox) -> None:
    """`/api` without a version is served as well; Discord still does."""
    pipeline = Pipeline(sandbox)
    for route in ROUTES:
        handler = pipeline.handler(route)
        for prefix in PREFIXES:
            app.router.add_route(route.method, prefix + route.path, handler)
    known = re.compile("|".join(f"(?:{re.sub(_PARAMETER, '[^/]+', route.path)})" for route in ROUTES))

    async def refuse(request: web.Request) -> web.StreamResponse:
        path = re.sub(r"^/api(/v10)?", "", request.path)
        refusal = errors.method_not_allowed() if known.fullmatch(path) else errors.not_found()
        return web.Response(
            status=refusal.status,
            body=orjson.dumps(refusal.body()),
            headers={"Content-Type": "application/json"},
        )

    app.router.add_route("*", "/api/{rest:.*}", refuse)
