"""How control handlers are called: JSON in, JSON out, ids as strings or numbers, problems for mistakes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from astero_sandbox.discord.errors import ControlError, DiscordError
from astero_sandbox.discord.models import Application, Channel, Guild, Member, Message, User
from astero_sandbox.discord.sandbox import Sandbox


@dataclass(slots=True, kw_only=True)
class Command:
    """One control call. `body` is always an object; the look-ups raise 404 problems."""

    sandbox: Sandbox
    path: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]

    def text(self, name: str) -> str:
        value = self.body.get(name)
        if not isinstance(value, str) or not value.strip():
            raise ControlError(400, "missing_field", f"{name} must be a text that is not empty.")
        return value

    def items(self, name: str) -> list[Any]:
        """A list from the body; absent is empty."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, list):
            raise ControlError(400, "not_a_list", f"{name} must be a list.")
        return value or []

    def id_of(self, name: str) -> int:
        """An id from the body."""
        value = self.body.get(name)
        if value is None:
            raise ControlError(400, "missing_field", f"{name} is required.")
        return as_id(name, value)

    def optional_id(self, name: str) -> int | None:
        value = self.body.get(name)
        return None if value is None else as_id(name, value)

    def user(self, user_id: int) -> User:
        if (user := self.sandbox.world.users.get(user_id)) is None:
            raise _missing("user", user_id)
        return user

    def application(self, application_id: int) -> Application:
        if (app := self.sandbox.world.applications.get(application_id)) is None:
            raise _missing("application", application_id)
        return app

    def path_application(self) -> Application:
        return self.application(as_id("applicationId", self.path["application_id"]))

    def path_user(self) -> User:
        return self.user(as_id("userId", self.path["user_id"]))

    def path_guild(self) -> Guild:
        guild_id = as_id("guildId", self.path["guild_id"])
        if (guild := self.sandbox.world.guilds.get(guild_id)) is None:
            raise _missing("guild", guild_id)
        return guild

    def path_channel(self) -> Channel:
        channel_id = as_id("channelId", self.path["channel_id"])
        if (channel := self.sandbox.world.channels.get(channel_id)) is None:
            raise _missing("channel", channel_id)
        return channel

    def path_message(self, channel: Channel) -> Message:
        message_id = as_id("messageId", self.path["message_id"])
        if (message := channel.messages.get(message_id)) is None:
            raise _missing("message", message_id)
        return message

    def member(self, guild: Guild, user_id: int) -> Member:
        self.user(user_id)
        if (member := guild.members.get(user_id)) is None:
            raise ControlError(404, "not_a_member", f"User {user_id} is not in {guild.name}.")
        return member


Handler = Callable[[Command], Awaitable[Any]]
CONTROLS: list[tuple[str, str, Handler]] = []


def control(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler under /sandbox; what it returns is the JSON answer, None is 204."""

    def register(handler: Handler) -> Handler:
        CONTROLS.append((method, path, handler))
        return handler

    return register


def as_id(name: str, value: object) -> int:
    if isinstance(value, int | str) and str(value).isdigit():
        return int(value)
    raise ControlError(400, "not_an_id", f"{name} must be an id, not {value!r}.")


def _missing(what: str, record_id: int) -> ControlError:
    return ControlError(404, f"unknown_{what}", f"There is no {what} {record_id}.")


def control_handler(
    sandbox: Sandbox, handler: Handler
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            command = Command(
                sandbox=sandbox,
                path=dict(request.match_info),
                query=dict(request.query),
                body=await _object(request),
            )
            answer = await handler(command)
        except ControlError as refusal:
            return problem(refusal)
        except DiscordError as refusal:
            code = f"discord_{refusal.code}"
            return problem(ControlError(refusal.status, code, refusal.message))
        if answer is None:
            return web.Response(status=204)
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    return handle


async def _object(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    if not raw:
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ControlError(400, "malformed", "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise ControlError(400, "malformed", "The body must be a JSON object.")
    return body


def problem(refusal: ControlError) -> web.Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
    }
    return web.Response(
        status=refusal.status, body=orjson.dumps(body), content_type="application/problem+json"
    )
