"""The api's end of the internal route. A nudge that fails loses nothing: the engine also looks by itself."""

from typing import TypeVar
from uuid import UUID

import httpx
import msgspec

from astero_shared.errors import UnavailableError
from astero_shared.ids import decode_hook, encode_hook
from astero_shared.internal.contracts import Accepted, Announced, Announcement, Channels, Contract, Roles
from astero_shared.internal.secret import authorization
from astero_shared.settings import SecretRing

_TIMEOUT_SECONDS = 3.0

C = TypeVar("C", bound=Contract)


class EngineClient:
    """Talks to one engine at `url`. Every call raises UnavailableError when it cannot be done now."""

    def __init__(self, http: httpx.AsyncClient, secrets: SecretRing, url: str) -> None:
        self._http = http
        self._secrets = secrets
        self._url = url.rstrip("/")

    async def reconcile(self, bot_id: UUID) -> Accepted:
        return await self._send("POST", f"/internal/bots/{bot_id}/reconcile", Accepted)

    async def reload(self, bot_id: UUID, guild_id: int) -> Accepted:
        return await self._send("POST", f"/internal/bots/{bot_id}/guilds/{guild_id}/reload", Accepted)

    async def leave(self, bot_id: UUID, guild_id: int) -> Accepted:
        return await self._send("POST", f"/internal/bots/{bot_id}/guilds/{guild_id}/leave", Accepted)

    async def list_channels(self, bot_id: UUID, guild_id: int) -> Channels:
        return await self._send("GET", f"/internal/bots/{bot_id}/guilds/{guild_id}/channels", Channels)

    async def list_roles(self, bot_id: UUID, guild_id: int) -> Roles:
        return await self._send("GET", f"/internal/bots/{bot_id}/guilds/{guild_id}/roles", Roles)

    async def announce(self, bot_id: UUID, guild_id: int, announcement: Announcement) -> Announced:
        body = msgspec.json.encode(announcement, enc_hook=encode_hook)
        path = f"/internal/bots/{bot_id}/guilds/{guild_id}/announce"
        return await self._send("POST", path, Announced, body)

    async def _send(self, method: str, path: str, answer: type[C], body: bytes | None = None) -> C:
        headers = {"authorization": authorization(self._secrets), "content-type": "application/json"}
        try:
            response = await self._http.request(
                method, self._url + path, content=body, headers=headers, timeout=_TIMEOUT_SECONDS
            )
            response.raise_for_status()
            return msgspec.json.decode(response.content, type=answer, dec_hook=decode_hook)
        except (httpx.HTTPError, msgspec.MsgspecError):
            raise UnavailableError(code="engine.unavailable", retry_after=5) from None
