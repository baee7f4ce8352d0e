"""Whether Discord knows a token, asked before it is stored. The token is never logged nor repeated."""

import re
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx
import msgspec

from astero_shared.errors import InvalidError, UnavailableError
from astero_shared.ids import Snowflake, decode_hook
from astero_shared.outbound.http import create_client

T = TypeVar("T")

# The id in base64, a timestamp, a signature; the lengths have grown over the years.
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{18,40}\.[A-Za-z0-9_-]{5,10}\.[A-Za-z0-9_-]{20,100}")
_SECONDS: Final = 10.0


class _User(msgspec.Struct, frozen=True):
    id: Snowflake
    username: str
    avatar: str | None = None
    bot: bool = False


class _Application(msgspec.Struct, frozen=True):
    id: Snowflake
    name: str


@dataclass(frozen=True, slots=True)
class KnownBot:
    """What Discord says of the bot behind a token."""

    application_id: int
    user_id: int
    name: str
    avatar_hash: str | None


def token_invalid() -> InvalidError:
    return InvalidError(code="bots.token_invalid", pointer="/token")


def _unavailable() -> UnavailableError:
    return UnavailableError(code="discord.unavailable", retry_after=30)


class DiscordCheck:
    """`api_url` is DISCORD_API_URL."""

    def __init__(self, api_url: str) -> None:
        self._http = create_client(
            allowed=[api_url], base_url=api_url.rstrip("/") + "/", total_seconds=_SECONDS
        )

    async def identify(self, token: str) -> KnownBot:
        """Raises InvalidError `bots.token_invalid` or UnavailableError `discord.unavailable`."""
        if _SHAPE.fullmatch(token) is None:
            raise token_invalid()
        user = await self._get("users/@me", token, _User)
        if not user.bot:
            raise token_invalid()
        application = await self._get("applications/@me", token, _Application)
        return KnownBot(
            application_id=int(application.id),
            user_id=int(user.id),
            name=user.username,
            avatar_hash=user.avatar,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def _get(self, path: str, token: str, kind: type[T]) -> T:
        try:
            answer = await self._http.get(path, headers={"Authorization": f"Bot {token}"})
        except httpx.HTTPError:
            raise _unavailable() from None
        if answer.status_code in {401, 403}:
            raise token_invalid()
        if not answer.is_success:
            raise _unavailable()
        return _read(answer.content, kind)


def _read(body: bytes, kind: type[T]) -> T:
    hook: Any = decode_hook
    try:
        return msgspec.json.decode(body, type=kind, dec_hook=hook)
    except msgspec.MsgspecError:
        raise _unavailable() from None
