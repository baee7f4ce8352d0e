"""Where discord.py may connect: to the Discord it was set up for, and to that Discord's gateways.

Decided when a connection is wanted, so it holds for redirects, and for a gateway address that came with an
answer or out of the database: whoever is at its other end is sent the bot's token.
"""

from typing import Final

import aiohttp
import yarl
from aiohttp.tracing import Trace
from loguru import logger

_DISCORD_GATEWAYS: Final = ".discord.gg"


class EgressDeniedConnectionError(aiohttp.ClientConnectionError):
    """A call to a place the engine does not know. Nothing was sent."""


class DiscordConnector(aiohttp.TCPConnector):
    """Knows the origin of `api_url`, gateways on its host, and `wss://*.discord.gg`."""

    def __init__(self, api_url: str) -> None:
        super().__init__(limit=0, limit_per_host=0)
        self._api = yarl.URL(api_url)

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        """Raises EgressDeniedConnectionError, or aiohttp's own errors."""
        if not self._knows(req.url):
            logger.bind(host=req.url.host, port=req.url.port).error("outbound.denied")
            raise EgressDeniedConnectionError
        return await super().connect(req, traces, timeout)

    def _knows(self, url: yarl.URL) -> bool:
        if url.origin() == self._api.origin():
            return True
        if url.scheme in {"ws", "wss"} and url.host == self._api.host:
            return url.scheme == "wss" or self._api.scheme == "http"
        host = url.host or ""
        return url.scheme == "wss" and url.port == 443 and host.endswith(_DISCORD_GATEWAYS)  # noqa: PLR2004
