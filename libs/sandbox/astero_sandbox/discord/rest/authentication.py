"""Who is calling: a bot by its token, a person by a Bearer token, or nobody."""

from dataclasses import dataclass

from aiohttp import web

from astero_sandbox.discord.models import Application, User
from astero_sandbox.discord.oauth2.grants import Grant
from astero_sandbox.discord.sandbox import Sandbox

from .routing import Route


@dataclass(frozen=True, slots=True)
class Caller:
    """`key` is what limits are counted on; `refused` is a 401."""

    key: object
    app: Application | None = None
    person: User | None = None
    grant: Grant | None = None
    refused: bool = False


def authenticate(sandbox: Sandbox, request: web.Request, route: Route) -> Caller:
    """Never raises: a refused call still counts against the limits of its address."""
    address = request.remote or ""
    if route.auth in ("none", "token"):
        # an OAuth2 client is nobody's token, and counts for itself all the same
        return Caller(key=(address, request.headers.get("Authorization")))
    kind, _, credential = request.headers.get("Authorization", "").partition(" ")
    if kind == "Bot":
        app = sandbox.world.find_application_by_token(credential.strip())
        if app is not None:
            return Caller(key=app.id, app=app)
    if kind == "Bearer" and route.auth == "bearer":
        grant = sandbox.grants.find_access(credential.strip())
        if grant is not None:
            person = sandbox.world.get_user(grant.user_id)
            return Caller(key=("bearer", grant.user_id), person=person, grant=grant)
    return Caller(key=address, refused=True)
