"""Applications and people come into being here."""

from typing import Any

from astero_sandbox.discord.errors import ControlError
from astero_sandbox.discord.gateway.identify import refresh_budget
from astero_sandbox.discord.models import ALL_INTENTS_ALLOWED, Application, User

from .routing import Command, as_id, control


@control("POST", "/applications")
async def create_application(command: Command) -> Any:
    """{name, flags?, ownerId?, redirectUris?}; without flags every privileged intent is allowed."""
    world = command.sandbox.world
    flags = _flags(command.body.get("flags", ALL_INTENTS_ALLOWED))
    name = command.text("name")
    owner_id = command.optional_id("ownerId")
    owner = world.new_user(username=f"{name} developer") if owner_id is None else command.user(owner_id)
    app = world.new_application(name=name, owner_id=owner.id, flags=flags)
    app.redirect_uris = [str(item) for item in command.items("redirectUris")]
    return shown_application(app)


@control("GET", "/applications")
async def list_applications(command: Command) -> Any:
    """Without the secrets."""
    apps = command.sandbox.world.applications.values()
    return {"applications": [_public(app) for app in apps]}


@control("GET", "/applications/{application_id}")
async def get_application(command: Command) -> Any:
    return shown_application(command.path_application())


@control("PATCH", "/applications/{application_id}")
async def edit_application(command: Command) -> Any:
    """{flags?, botToken: "reset"?, redirectUris?, identifiesLeft?}.

    A reset token ends no connection by itself; `identifiesLeft` is what is left of today's thousand.
    """
    app = command.path_application()
    if "flags" in command.body:
        app.flags = _flags(command.body["flags"])
    if "redirectUris" in command.body:
        app.redirect_uris = [str(item) for item in command.items("redirectUris")]
    if "botToken" in command.body:
        if command.body["botToken"] != "reset":
            raise ControlError(400, "not_settable", 'botToken can only be "reset".')
        command.sandbox.world.reset_token(app)
    if "identifiesLeft" in command.body:
        refresh_budget(app)
        app.identifies_left = as_id("identifiesLeft", command.body["identifiesLeft"])
    command.sandbox.world.dirty = True
    return shown_application(app)


@control("POST", "/users")
async def create_user(command: Command) -> Any:
    """{username, email?, globalName?, locale?}."""
    email = command.body.get("email")
    user = command.sandbox.world.new_user(
        username=command.text("username"), email=None if email is None else str(email)
    )
    user.global_name = command.body.get("globalName")
    user.locale = str(command.body.get("locale") or user.locale)
    return shown_user(user)


@control("GET", "/users")
async def list_users(command: Command) -> Any:
    return {"users": [shown_user(user) for user in command.sandbox.world.users.values()]}


@control("DELETE", "/users/{user_id}/authorizations")
async def deauthorize(command: Command) -> Any:
    """The person removes every application in their Discord settings."""
    command.sandbox.grants.revoke_all(command.path_user().id)


def shown_application(app: Application) -> dict[str, Any]:
    """With the secrets: whoever starts the sandbox plays the developer portal."""
    return _public(app) | {
        "botToken": app.token,
        "clientSecret": app.client_secret,
        "redirectUris": app.redirect_uris,
    }


def shown_user(user: User) -> dict[str, Any]:
    return {
        "userId": str(user.id),
        "username": user.username,
        "globalName": user.global_name,
        "email": user.email,
        "bot": user.bot,
    }


def _public(app: Application) -> dict[str, Any]:
    return {
        "applicationId": str(app.id),
        "name": app.name,
        "publicKey": app.public_key,
        "flags": app.flags,
        "ownerId": str(app.owner_id),
    }


def _flags(value: object) -> int:
    return as_id("flags", value)
