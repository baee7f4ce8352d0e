"""Actions at Discord: foreseen refusals are answered without asking, the rest is limited per bot and comes
back as a typed result. Every answer Discord gives, to whatever was sent, is counted here.

A bot's slow bucket fills only its own places; a burnt token or budget bars only whom it must.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Generic, TypeVar
from weakref import WeakKeyDictionary

import discord

from astero_bot_engine.dispatch.invalid_budget import InvalidBudget
from astero_bot_engine.dispatch.permissions import bot_permissions
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.rest import CallBarredError, DiscordAwayError

T = TypeVar("T")

# Guarded calls of one bot under way at a time.
_PLACES: Final = 8


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """Discord did it; `value` is its answer."""

    value: T


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was sent. `code` is stable, such as `guard.missing_permission:ban_members`.

    The codes of `bots.` pass by themselves or with the owner's doing: ask again later.
    """

    code: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Discord refused: HTTP status and its JSON error code (10008 unknown message, 50013 …)."""

    status: int
    code: int


class Guard:
    """One per engine. It is also the watch of the RestTransport, so it sees every answer."""

    def __init__(self, budget: InvalidBudget | None = None) -> None:
        self.budget = budget or InvalidBudget()
        self._places: WeakKeyDictionary[BotClient, asyncio.Semaphore] = WeakKeyDictionary()

    async def call(
        self,
        bot: BotClient,
        request: Callable[[], Awaitable[T]],
        *,
        guild_id: int | None = None,
        channel_id: int | None = None,
        needs: int = 0,
        target_id: int | None = None,
    ) -> Done[T] | Refused | Failed:
        """Send `request` unless it is known to fail. `needs` is a mask of discord.Permissions.

        Raises discord.DiscordServerError and OSError (such as DiscordAwayError) when Discord could not be
        asked: try again later.
        """
        if guild_id is not None and (
            code := _foreseen(bot, guild_id, channel_id, needs=needs, target_id=target_id)
        ):
            return Refused(code)
        places = self._places.get(bot)
        if places is None:
            places = self._places[bot] = asyncio.Semaphore(_PLACES)
        async with places:
            try:
                return Done(await request())
            except CallBarredError as error:
                return Refused(error.reason)
            except discord.DiscordServerError:
                raise
            except discord.HTTPException as error:
                return Failed(error.status, error.code)

    def observe(self, owner: object | None, *, status: int, scope: str | None) -> None:
        """See gateway.rest.RestWatch."""
        bot = owner if isinstance(owner, BotClient) else None
        self.budget.record(bot.bot_id if bot else None, status=status, scope=scope)
        if bot is not None and status == HTTPStatus.UNAUTHORIZED:
            bot.refuse_token()

    def bar(self, owner: object) -> str | None:
        """See gateway.rest.RestWatch."""
        return self.budget.bar(owner.bot_id) if isinstance(owner, BotClient) else None


def _foreseen(
    bot: BotClient, guild_id: int, channel_id: int | None, *, needs: int, target_id: int | None
) -> str | None:
    have = bot_permissions(bot, guild_id, channel_id)
    if have is None:
        guild = bot.get_guild(guild_id)
        if guild is None:
            return "guard.unknown_guild"
        if guild.unavailable or guild.get_member(bot.own_id) is None:
            # An outage, or not sent yet after READY: neither is a refusal.
            raise DiscordAwayError("the server is unavailable at Discord")
        return "guard.unknown_channel"
    if (lacking := needs & ~have) and not have & discord.Permissions.administrator.flag:
        first = next(name for name, on in discord.Permissions(lacking) if on)
        return f"guard.missing_permission:{first}"
    if target_id is None:
        return None
    if target_id == bot.own_id:
        return "guard.target_is_self"
    guild = bot.get_guild(guild_id)
    return "guard.target_is_owner" if guild is not None and target_id == guild.owner_id else None
