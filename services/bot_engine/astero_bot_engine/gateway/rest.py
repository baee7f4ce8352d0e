"""REST for every bot of this process: one connection pool, and one place where every answer is seen.

discord.py keeps its buckets per bot, so a bot's slow bucket is its own; sockets are shared, so two hundred
bots do not hold two hundred idle TLS connections. A bot whose calls are barred gets no request out.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, Final, Protocol

import aiohttp
import discord
from discord.gateway import DiscordClientWebSocketResponse
from discord.http import HTTPClient, Route

from astero_bot_engine.gateway.egress import DiscordConnector
from astero_bot_engine.gateway.frames import API_VERSION

# A REST call that has said nothing for this long is given up; discord.py's own default is 300 s.
_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
# How long a closing handshake may take. A dead peer never answers it, and the bot waits meanwhile.
_CLOSE_WAIT = aiohttp.ClientWSTimeout(ws_close=2.0)  # pyright: ignore[reportCallIssue] - attrs

UNAUTHORIZED_REASON: Final = "bots.token_invalid"


class CallBarredError(discord.ClientException):
    """No request was sent. `reason` is a stable code such as `bots.token_invalid`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DiscordAwayError(OSError):
    """Discord could not be asked, or has not sent what is needed to ask: the same may work in a moment."""


class RestWatch(Protocol):
    """Sees every HTTP answer Discord gives to this process, each retry included, and may bar a bot."""

    def bar(self, owner: object) -> str | None:
        """A stable code while `owner` may not call Discord, else None."""
        ...

    def observe(self, owner: object | None, *, status: int, scope: str | None) -> None:
        """`owner` is None for calls that carry no bot token (webhooks, interaction callbacks).

        `scope` is X-RateLimit-Scope of a 429: user, global or shared.
        """
        ...


class RestTransport:
    """The session and pool that all bots share. Built inside the running loop, closed once at the end."""

    def __init__(self, *, api_url: str, watch: RestWatch | None = None) -> None:
        if not api_url.endswith(f"/v{API_VERSION}"):
            raise ValueError(f"the Discord API address must end in /v{API_VERSION}")
        # A class attribute of discord.py, read for each call: one process talks to one Discord.
        Route.BASE = api_url
        self.watch = watch
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._seen)
        self.session = aiohttp.ClientSession(
            connector=DiscordConnector(api_url),
            ws_response_class=DiscordClientWebSocketResponse,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[trace],
            timeout=_TIMEOUT,
        )

    async def close(self) -> None:
        await self.session.close()

    async def _seen(
        self,
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams,
    ) -> None:
        if self.watch is not None:
            self.watch.observe(
                context.trace_request_ctx,
                status=params.response.status,
                scope=params.response.headers.get("X-RateLimit-Scope"),
            )


class BotHTTP(HTTPClient):
    """discord.py's HTTP client on the shared transport.

    `bar` answers a reason code while this bot may not call Discord, else None; it is asked before every
    request, so it holds for calls that go around the guard as well.
    """

    def __init__(self, transport: RestTransport, *, owner: object, bar: Callable[[], str | None]) -> None:
        # The loop is set by Client.login, as discord.py does for its own client.
        super().__init__(discord.utils.MISSING, transport.session.connector)
        self._transport = transport
        self._owner = owner
        self._bar = bar

    async def static_login(self, token: str) -> Any:
        # discord.py keeps its session in a private name and opens one per client here.
        self._HTTPClient__session = self._transport.session
        self._global_over = asyncio.Event()
        self._global_over.set()
        self.token = token
        return await self.request(Route("GET", "/users/@me"))

    async def request(self, route: Route, **kwargs: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        watch = self._transport.watch
        reason = self._bar() or (None if watch is None else watch.bar(self._owner))
        if reason is not None:
            raise CallBarredError(reason)
        try:
            return await super().request(route, trace_request_ctx=self._owner, **kwargs)
        except discord.HTTPException as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                # The watch has latched the token by now; to the caller it is as if it had been before.
                raise CallBarredError(UNAUTHORIZED_REASON) from error
            raise
        except aiohttp.ClientError as error:
            # A kept-alive line that Discord had closed is no OSError in aiohttp, and is retried by nobody.
            raise DiscordAwayError(f"the line to Discord broke: {type(error).__name__}") from error

    async def ws_connect(self, url: str, *, compress: int = 0) -> Any:
        return await self._transport.session.ws_connect(
            url,
            timeout=_CLOSE_WAIT,
            autoclose=False,
            max_msg_size=0,
            decode_text=False,
            compress=compress,
            headers={"User-Agent": self.user_agent},
        )

    async def close(self) -> None:
        """The transport outlives every bot."""
