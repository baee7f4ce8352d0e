"""The consent page: a person lets an application know them, or adds its bot to a server they manage.

There is nobody to log in here: the page lets one choose who one is.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import jinja2
from aiohttp import web
from multidict import MultiMapping

from astero_sandbox.discord import permissions
from astero_sandbox.discord.actions.members import join_bot
from astero_sandbox.discord.models import Application, Guild, User
from astero_sandbox.discord.page.headers import page_headers
from astero_sandbox.discord.sandbox import Sandbox

from .grants import CODE_SECONDS, Code, expires_in

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FunctionLoader(
        lambda name: files("astero_sandbox.discord.oauth2").joinpath(name).read_text("utf-8")
    ),
    autoescape=True,
)


class RefusedPageError(Exception):
    """Shown as a page; a wrong redirect address is never redirected to."""

    def __init__(self, message: str, status: int = 400) -> None:
        self.message = message
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    app: Application
    scopes: frozenset[str]
    redirect_uri: str | None
    state: str | None
    challenge: str | None
    bits: int
    guild_id: int | None

    @property
    def wants_bot(self) -> bool:
        return "bot" in self.scopes

    def redirect(self, **parameters: str) -> web.Response:
        if self.state is not None:
            parameters["state"] = self.state
        parts = urlsplit(self.redirect_uri or "")
        query = "&".join(filter(None, [parts.query, urlencode(parameters)]))
        return web.Response(status=302, headers={"Location": urlunsplit(parts._replace(query=query))})


class AuthorizePage:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def show(self, request: web.Request) -> web.StreamResponse:
        try:
            asked = self._read(request.query)
        except RefusedPageError as refusal:
            return self._page("refused.html", refusal.status, message=refusal.message)
        world = self._sandbox.world
        people = [user for user in world.users.values() if not user.bot]
        return self._page(
            "authorize.html",
            200,
            asked=asked,
            form_action=_origin(asked.redirect_uri),
            people=people,
            guilds=[
                (guild, user)
                for user in people
                for guild in world.guilds_of(user.id)
                if _manages(guild, user)
            ],
        )

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """Form fields `user_id`, `guild_id` (for a bot) and `decision` (authorize or cancel)."""
        form = await request.post()
        try:
            asked = self._read(request.query)
            if form.get("decision") == "cancel":
                return self._cancelled(asked)
            user = self._person(form.get("user_id"))
            guild = self._add_bot(asked, user, form.get("guild_id")) if asked.wants_bot else None
        except RefusedPageError as refusal:
            return self._page("refused.html", refusal.status, message=refusal.message)
        if asked.redirect_uri is None:
            return self._page("added.html", 200, app=asked.app, guild=guild)
        code = self._sandbox.grants.issue_code(
            Code(
                application_id=asked.app.id,
                user_id=user.id,
                scopes=asked.scopes,
                redirect_uri=asked.redirect_uri,
                challenge=asked.challenge,
                expires_at=expires_in(CODE_SECONDS),
                guild_id=None if guild is None else guild.id,
            )
        )
        more = {} if guild is None else {"guild_id": str(guild.id), "permissions": str(asked.bits)}
        return asked.redirect(code=code, **more)

    def _cancelled(self, asked: Request) -> web.Response:
        if asked.redirect_uri is None:
            return self._page("refused.html", 200, message="Nothing was added.")
        return asked.redirect(
            error="access_denied",
            error_description="The resource owner or authorization server denied the request",
        )

    def _read(self, query: MultiMapping[str]) -> Request:
        client_id = query.get("client_id", "")
        app = self._sandbox.world.applications.get(int(client_id) if client_id.isdigit() else 0)
        if app is None:
            raise RefusedPageError("Unknown Application")
        scopes = frozenset(query.get("scope", "").split())
        if not scopes:
            raise RefusedPageError("Invalid scope: at least one is needed")
        redirect_uri = query.get("redirect_uri")
        is_bot_only = "bot" in scopes and redirect_uri is None and "response_type" not in query
        if not is_bot_only:
            if query.get("response_type", "code") != "code":
                raise RefusedPageError("Unsupported response_type")
            _require_registered(app, redirect_uri)
        challenge = query.get("code_challenge")
        if challenge is not None and query.get("code_challenge_method") != "S256":
            raise RefusedPageError("Unsupported code_challenge_method: only S256 is")
        bits = query.get("permissions", "0")
        guild_id = query.get("guild_id", "")
        return Request(
            app=app,
            scopes=scopes,
            redirect_uri=redirect_uri,
            state=query.get("state"),
            challenge=challenge,
            bits=int(bits) if bits.isdigit() else 0,
            guild_id=int(guild_id) if guild_id.isdigit() else None,
        )

    def _person(self, value: object) -> User:
        user_id = int(value) if isinstance(value, str) and value.isdigit() else 0
        user = self._sandbox.world.users.get(user_id)
        if user is None or user.bot:
            raise RefusedPageError("Choose who you are")
        return user

    def _add_bot(self, asked: Request, user: User, value: object) -> Guild:
        guild_id = int(value) if isinstance(value, str) and value.isdigit() else asked.guild_id
        guild = self._sandbox.world.guilds.get(guild_id or 0)
        if guild is None:
            raise RefusedPageError("Choose a server")
        if not _manages(guild, user):
            raise RefusedPageError(f"{user.username} may not manage {guild.name}", 403)
        join_bot(self._sandbox, guild, asked.app.id, bits=asked.bits, roles=[])
        return guild

    def _page(
        self, template: str, status: int, *, form_action: str | None = None, **context: object
    ) -> web.Response:
        return web.Response(
            status=status,
            text=_TEMPLATES.get_template(template).render(context),
            content_type="text/html",
            headers=page_headers(form_action=form_action),
        )


def _require_registered(app: Application, redirect_uri: str | None) -> None:
    """Exactly one of the registered ones; an application with none may use loopback."""
    if redirect_uri is None:
        raise RefusedPageError("Missing redirect_uri")
    if app.redirect_uris:
        if redirect_uri not in app.redirect_uris:
            raise RefusedPageError("Invalid OAuth2 redirect_uri")
    elif urlsplit(redirect_uri).hostname not in _LOOPBACK:
        raise RefusedPageError("Invalid OAuth2 redirect_uri")


def _manages(guild: Guild, user: User) -> bool:
    member = guild.members.get(user.id)
    if member is None:
        return False
    return bool(permissions.in_guild(guild, member) & permissions.MANAGE_GUILD)


def _origin(redirect_uri: str | None) -> str | None:
    """Browsers apply form-action to the redirect after the form as well."""
    if redirect_uri is None:
        return None
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}"
