"""The token routes: codes and refresh tokens become pairs, revoking either ends both."""

import base64
import binascii
import hashlib
import hmac
from typing import Any

from aiohttp import BasicAuth

from astero_sandbox.discord.models import Application
from astero_sandbox.discord.oauth2.grants import ACCESS_SECONDS, Grant
from astero_sandbox.discord.payloads import people as wire
from astero_sandbox.discord.snowflakes import iso

from .routing import Call, Reply, route


@route("POST", "/oauth2/token", auth="none", limit=(30, 60.0))
async def exchange_token(call: Call) -> Any:
    """Form-encoded; the client proves itself by Basic or by client_id and client_secret."""
    form = call.form()
    app = _client(call)
    if app is None:
        return Reply(401, {"error": "invalid_client"})
    kind = form.get("grant_type")
    if kind == "authorization_code":
        return _from_code(call, app, form)
    if kind == "refresh_token":
        grant = call.sandbox.grants.take_refresh(str(form.get("refresh_token")), application_id=app.id)
        if grant is None:
            return _invalid_grant('Invalid "refresh_token" in request.')
        return _issued(call, app, grant.user_id, grant.scopes)
    return Reply(400, {"error": "unsupported_grant_type"})


@route("POST", "/oauth2/token/revoke", auth="none", limit=(30, 60.0))
async def revoke_token(call: Call) -> Any:
    """A token that is not known any more is revoked already."""
    app = _client(call)
    if app is None:
        return Reply(401, {"error": "invalid_client"})
    call.sandbox.grants.revoke(str(call.form().get("token")), application_id=app.id)
    return Reply(200, {})


@route("GET", "/oauth2/@me", auth="bearer")
async def get_current_authorization(call: Call) -> Any:
    """Which application, which scopes, until when, and who (with identify)."""
    if call.grant is None or call.person is None:
        return Reply(401, {"message": "401: Unauthorized", "code": 0})
    world = call.sandbox.world
    app = world.get_application(call.grant.application_id)
    body = {
        "application": wire.public_application(app, world.users[app.id]),
        "scopes": sorted(call.scopes),
        "expires": iso(call.grant.expires_at),
    }
    if "identify" in call.scopes:
        body["user"] = wire.user(call.person)
    return body


def _client(call: Call) -> Application | None:
    form = call.form()
    client_id, secret = str(form.get("client_id", "")), str(form.get("client_secret", ""))
    header = call.authorization or ""
    if header.startswith("Basic "):
        try:
            credentials = BasicAuth.decode(header)
        except (ValueError, binascii.Error):
            return None
        client_id, secret = credentials.login, credentials.password
    app = call.sandbox.world.applications.get(int(client_id) if client_id.isdigit() else 0)
    if app is None or not hmac.compare_digest(app.client_secret.encode(), secret.encode()):
        return None
    return app


def _from_code(call: Call, app: Application, form: dict[str, Any]) -> Any:
    code = call.sandbox.grants.take_code(str(form.get("code")))
    if code is None or code.application_id != app.id:
        return _invalid_grant('Invalid "code" in request.')
    if code.redirect_uri != form.get("redirect_uri"):
        return _invalid_grant('Invalid "redirect_uri" in request.')
    if code.challenge is not None and _challenge(form.get("code_verifier")) != code.challenge:
        return _invalid_grant('Invalid "code_verifier" in request.')
    return _issued(call, app, code.user_id, code.scopes)


def _challenge(verifier: object) -> str | None:
    """RFC 7636, S256."""
    if not isinstance(verifier, str):
        return None
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _issued(call: Call, app: Application, user_id: int, scopes: frozenset[str]) -> Any:
    grant: Grant = call.sandbox.grants.issue(application_id=app.id, user_id=user_id, scopes=scopes)
    return {
        "token_type": "Bearer",
        "access_token": grant.access_token,
        "expires_in": ACCESS_SECONDS,
        "refresh_token": grant.refresh_token,
        "scope": " ".join(sorted(scopes)),
    }


def _invalid_grant(description: str) -> Reply:
    return Reply(400, {"error": "invalid_grant", "error_description": description})
