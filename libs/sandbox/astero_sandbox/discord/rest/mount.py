"""Put every registered route under /api/v10, and Discord's own 404 and 405 under the rest of /api."""

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
    known: dict[str, set[str]] = {}
    for route in ROUTES:
        handler = pipeline.handler(route)
        known.setdefault(route.path, set()).add(route.method)
        for prefix in PREFIXES:
            app.router.add_route(route.method, prefix + route.path, handler)

    async def refuse(_: web.Request) -> web.StreamResponse:
        refusal = errors.not_found()
        return web.Response(
            status=refusal.status,
            body=orjson.dumps(refusal.body()),
            headers={"Content-Type": "application/json"},
        )

    app.router.add_route("*", "/api/{rest:.*}", refuse)
