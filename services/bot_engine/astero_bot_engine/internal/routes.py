"""What the api may ask of the engine. A nudge carries no data: the database holds the truth.

A bot that this engine does not hold answers 404 `engine.bot_not_held`; the api then looks for its lease.
"""

from typing import Any, Final, Protocol
from uuid import UUID

import discord
import msgspec
from litestar import Litestar, Request, get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.types import ASGIApp

from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.internal.door import Door
from astero_bot_engine.internal.problems import answer_problem
from astero_shared.errors import ForbiddenError, InvalidError, NotFoundError, UnavailableError
from astero_shared.ids import Snowflake, decode_hook, encode_hook
from astero_shared.internal.contracts import (
    Accepted,
    Announced,
    Announcement,
    Channel,
    Channels,
    EngineHealth,
    HostedBot,
    HostedBots,
    Role,
    Roles,
)
from astero_shared.settings import SecretRing

# An announcement is 2000 characters, six bytes each at worst when escaped.
MAX_BODY_BYTES: Final = 64 * 1024


class Fleet(Protocol):
    """What the routes need of the running engine."""

    def health(self) -> EngineHealth: ...

    def hosted(self) -> list[HostedBot]: ...

    def find_client(self, bot_id: UUID) -> BotClient | None:
        """The client of a bot that runs here and knows its servers, None otherwise."""
        ...

    async def reconcile(self, bot_id: UUID) -> bool:
        """Look at this bot in the database now and do what is due; whether this engine holds it then."""
        ...

    async def reload(self, bot_id: UUID, guild_id: int) -> None:
        """Read the settings of this server again and use them from now on."""
        ...

    async def leave(self, bot_id: UUID, guild_id: int) -> None:
        """Leave the server at Discord; being gone already is fine."""
        ...


AskEngine = Request[Any, Any, State]


@get("/internal/health")
async def health(state: State) -> EngineHealth:
    return _fleet(state).health()


@get("/internal/bots")
async def bots(state: State) -> HostedBots:
    return HostedBots(bots=_fleet(state).hosted())


@post("/internal/bots/{bot_id:uuid}/reconcile", status_code=200)
async def reconcile(bot_id: FromPath[UUID], state: State) -> Accepted:
    return Accepted(bot_id=bot_id, held=await _fleet(state).reconcile(bot_id))


@post("/internal/bots/{bot_id:uuid}/guilds/{guild_id:str}/reload", status_code=200)
async def reload(bot_id: FromPath[UUID], guild_id: FromPath[str], state: State) -> Accepted:
    _require_held(state, bot_id)
    await _fleet(state).reload(bot_id, _snowflake(guild_id))
    return Accepted(bot_id=bot_id, held=True)


@post("/internal/bots/{bot_id:uuid}/guilds/{guild_id:str}/leave", status_code=200)
async def leave(bot_id: FromPath[UUID], guild_id: FromPath[str], state: State) -> Accepted:
    _require_held(state, bot_id)
    await _fleet(state).leave(bot_id, _snowflake(guild_id))
    return Accepted(bot_id=bot_id, held=True)


@get("/internal/bots/{bot_id:uuid}/guilds/{guild_id:str}/channels")
async def channels(bot_id: FromPath[UUID], guild_id: FromPath[str], state: State) -> Channels:
    guild = _guild(_client(state, bot_id), guild_id)
    return Channels(
        channels=[
            Channel(
                id=Snowflake(channel.id),
                name=channel.name,
                kind=channel.type.value,
                position=channel.position,
                parent_id=None if channel.category_id is None else Snowflake(channel.category_id),
                usable=_may_post(channel),
            )
            for channel in sorted(guild.channels, key=lambda channel: (channel.position, channel.id))
        ]
    )


@get("/internal/bots/{bot_id:uuid}/guilds/{guild_id:str}/roles")
async def roles(bot_id: FromPath[UUID], guild_id: FromPath[str], state: State) -> Roles:
    guild = _guild(_client(state, bot_id), guild_id)
    return Roles(
        roles=[
            Role(
                id=Snowflake(role.id),
                name=role.name,
                color=role.color.value,
                position=role.position,
                assignable=role.is_assignable(),
            )
            for role in reversed(guild.roles)
            if not role.is_default()
        ]
    )


@post("/internal/bots/{bot_id:uuid}/guilds/{guild_id:str}/announce", status_code=200)
async def announce(
    request: AskEngine, bot_id: FromPath[UUID], guild_id: FromPath[str], state: State
) -> Announced:
    guild = _guild(_client(state, bot_id), guild_id)
    wanted = await _announcement(request)
    channel = guild.get_channel_or_thread(wanted.channel_id)
    if not isinstance(channel, discord.abc.Messageable):
        raise NotFoundError(code="discord.channel_not_found")
    if isinstance(channel, discord.abc.GuildChannel) and not _may_post(channel):
        raise _cannot_post()
    try:
        # The nonce makes Discord answer with the first message when the api asks again.
        message = await channel.send(
            wanted.content, nonce=wanted.nonce, allowed_mentions=discord.AllowedMentions.none()
        )
    except discord.Forbidden:
        raise _cannot_post() from None
    except discord.HTTPException:
        raise UnavailableError(code="discord.unavailable", retry_after=5) from None
    return Announced(message_id=Snowflake(message.id))


def create_internal_app(fleet: Fleet, secrets: SecretRing) -> ASGIApp:
    """The whole private listener: the door first, then the routes."""
    app = Litestar(
        route_handlers=[health, bots, reconcile, reload, leave, channels, roles, announce],
        state=State({"fleet": fleet}),
        exception_handlers={Exception: answer_problem},
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
        type_encoders={Snowflake: encode_hook},
    )
    return Door(app, secrets)


def _fleet(state: State) -> Fleet:
    return state.fleet


def _require_held(state: State, bot_id: UUID) -> None:
    if all(hosted.bot_id != bot_id for hosted in _fleet(state).hosted()):
        raise NotFoundError(code="engine.bot_not_held")


def _client(state: State, bot_id: UUID) -> BotClient:
    _require_held(state, bot_id)
    client = _fleet(state).find_client(bot_id)
    if client is None:
        raise UnavailableError(code="engine.bot_connecting", retry_after=2)
    return client


def _snowflake(text: str) -> int:
    try:
        return Snowflake.parse(text)
    except ValueError:
        raise NotFoundError from None


def _guild(client: BotClient, guild_id: str) -> discord.Guild:
    guild = client.get_guild(_snowflake(guild_id))
    if guild is None or guild.unavailable:
        raise NotFoundError(code="installations.not_found")
    return guild


def _cannot_post() -> ForbiddenError:
    return ForbiddenError(code="discord.missing_permissions")


def _may_post(channel: discord.abc.GuildChannel) -> bool:
    mine = channel.permissions_for(channel.guild.me)
    return mine.view_channel and mine.send_messages


async def _announcement(request: AskEngine) -> Announcement:
    body = await request.body()
    try:
        return msgspec.json.decode(body, type=Announcement, dec_hook=decode_hook)
    except msgspec.ValidationError:
        raise InvalidError(code="request.invalid", sentence="engine.announcement_bounds") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InvalidError(code="request.malformed", sentence="engine.no_announcement") from None
