"""One hosted bot: a discord.Client that we connect, keep alive, resume and stop ourselves.

Guarantees: every change of state is reported once, as a typed outcome; no thread, no member and no message
cache; a failing event or a broken line never ends the bot, a refused token always does.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol
from uuid import UUID

import aiohttp
import discord
import msgspec
from discord.http import Route
from loguru import logger

from astero_bot_engine.gateway.backoff import Backoff
from astero_bot_engine.gateway.heartbeat import HeartbeatScheduler
from astero_bot_engine.gateway.intents import (
    PRIVILEGED,
    IntentPlan,
    needed,
    plan_intents,
    plan_of_session,
    without_privileged,
)
from astero_bot_engine.gateway.outcomes import (
    Fatal,
    FinalOutcome,
    IntentsMissing,
    Online,
    Outcome,
    Reconnecting,
    Stopped,
    TokenInvalid,
)
from astero_bot_engine.gateway.rest import BotHTTP, CallBarredError, RestTransport
from astero_bot_engine.gateway.session import CHANGES_A_GUILD, SavedSession, SessionRecord
from astero_bot_engine.gateway.socket import (
    ENDS_SESSION,
    KEEPS_SESSION,
    GatewaySocket,
    SocketEnd,
)
from astero_bot_engine.gateway.state_events import PARSED

_FATAL: Final = frozenset({4010, 4011, 4012, 4013})
_TOKEN_REFUSED: Final = 4004
_INTENTS_REFUSED: Final = 4014
_UNREACHABLE: Final = SocketEnd(None, resumable=True, reason="bots.discord_unreachable")
_REFUSED: Final = SocketEnd(_TOKEN_REFUSED, resumable=False, reason="bots.token_invalid")
# Discord's refusal outweighs the flags for this long: believing stale flags would cost an identify each time.
_BELIEVE_REFUSAL: Final = 3600.0
# Connect, HELLO and IDENTIFY or RESUME together; then READY or RESUMED.
_OPEN_WITHIN: Final = 20.0
_GREETED_WITHIN: Final = 60.0
# Between two guilds after READY.
_GUILDS_WITHIN: Final = 2.0


class IdentifyDeferredError(Exception):
    """The identify budget does not allow one now; ask again in `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"identify deferred for {retry_after:.0f} s")
        self.retry_after = retry_after


class EventRouter(Protocol):
    """Takes every dispatch event of every bot, after the cache has seen it."""

    def route(self, bot: "BotClient", name: str, payload: msgspec.Raw, sequence: int) -> None: ...
    def is_behind(self) -> bool: ...
    def unfinished_from(self, epoch: int) -> int | None: ...
    def meet_guild(self, guild_id: int) -> None: ...
    def forget_guild(self, guild_id: int) -> None: ...


class _Id(msgspec.Struct, gc=False):
    id: str


class _MemberKey(msgspec.Struct, gc=False):
    guild_id: str
    user: _Id


class BotClient(discord.Client):
    """`run` connects until it is stopped or cannot go on, and answers why."""

    def __init__(
        self,
        *,
        bot_id: UUID,
        transport: RestTransport,
        heartbeats: HeartbeatScheduler,
        router: EventRouter,
        admit: "Callable[[BotClient], Awaitable[str]]",
        report: "Callable[[BotClient, Outcome], None]",
        attach: "Callable[[BotClient], Awaitable[object]] | None" = None,
        needs: Mapping[str, int],
        application_id: int | None = None,
        saved: SavedSession | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        """`admit` waits for the identify budget and answers the gateway URL (GET /gateway/bot).

        `attach` is awaited when logged in and not yet connected, again only if it failed. `needs` maps
        each enabled module to its intent mask. `saved` resumes another process's session.
        """
        super().__init__(
            intents=discord.Intents._from_value(needed(needs)),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self._connection.application_id = application_id
        self.bot_id = bot_id
        self.barred: str | None = None
        self.plan: IntentPlan | None = None
        self.failures: Counter[str] = Counter()
        self.http = self._connection.http = BotHTTP(transport, owner=self, bar=self._why_barred)
        # Only what the cache needs; the rest of discord.py's parsers are bound methods nobody calls.
        self._connection.parsers = {
            name: parse for name, parse in self._connection.parsers.items() if name in PARSED
        }
        self._transport = transport
        self._heartbeats = heartbeats
        self._router = router
        self._admit = admit
        self._report = report
        self._attach = attach
        self._needs = dict(needs)
        # A session cannot gain intents by being resumed: with too few of them it is not worth keeping.
        usable = saved is not None and not needed(needs) & ~PRIVILEGED & ~saved.intents
        self._session = SessionRecord(saved if usable else None)
        self._backoff = backoff or Backoff()
        self._socket: GatewaySocket | None = None
        self._privileged_refused_at: float | None = None
        self._online_at: float | None = None
        self._stop_asked = asyncio.Event()
        self._asked: FinalOutcome = Stopped(kept=True)
        self._closing: asyncio.Task[None] | None = None
        self.own_id = 0
        self.epoch = 0
        self.settled = False
        """Whether every guild of READY is in the cache; only then a missing guild means something."""
        self._awaited: set[int] = set()
        self._patience: asyncio.TimerHandle | None = None
        self._on_settled = asyncio.Event()
        # Nothing is sent to Discord past this time.monotonic(): another engine may act by then.
        self.acts_until = math.inf
        self._own_user: dict[str, Any] = {}
        self._introduced = False

    # -- life ---------------------------------------------------------------------------------------

    async def run_until_stopped(self, token: str) -> FinalOutcome:
        """Log in, connect, reconnect. Cancelling it drops the line and keeps the session."""
        work = asyncio.create_task(self._stay_connected(token))
        stop = asyncio.create_task(self._stop_asked.wait())
        final: FinalOutcome = Stopped(kept=True)
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if stop.done():
                final = self._asked
                # The reader goes first: closing under it would let it answer with a close code of its own.
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                await self._hang_up(KEEPS_SESSION if final == Stopped(kept=True) else ENDS_SESSION)
            else:
                final = work.result()
        finally:
            stop.cancel()
            work.cancel()
            await asyncio.gather(stop, work, return_exceptions=True)
            await self._hang_up(KEEPS_SESSION)
            if (ready := self._connection._ready_task) is not None:
                ready.cancel()
            if self._patience is not None:
                self._patience.cancel()
            self._report(self, final)
        return final

    def stop(self, *, keep_session: bool) -> None:
        """End `run_until_stopped`. Keeping the session lets another process resume it (hand-over)."""
        self._asked = Stopped(kept=keep_session)
        self._stop_asked.set()

    def refuse_token(self) -> None:
        """A REST answer was 401: nothing more is asked with this token, and the bot ends TokenInvalid."""
        self.barred = "bots.token_invalid"
        self._asked = TokenInvalid()
        self._stop_asked.set()

    async def need(self, needs: Mapping[str, int]) -> None:
        """The enabled modules changed. A new intent costs a new identify; one less waits for the next."""
        self._needs = dict(needs)
        if self.plan is None:
            return
        granted = self.plan.identify
        if needed(needs) & ~granted:
            plan = await self._plan_intents()
            if plan.identify & ~granted:
                self._session.invalidate()
                await self._hang_up(ENDS_SESSION)
                return
        self.plan = plan_of_session(needs, application_id=self.application_id or 0, intents=granted)

    def _why_barred(self) -> str | None:
        if self.barred is None and time.monotonic() > self.acts_until:
            return "bots.lease_lost"
        return self.barred

    def export_session(self, *, everything: bool = False) -> SavedSession | None:
        """See SessionRecord.export. Events not yet worked off count as not received."""
        self._note_sequence()
        unfinished = self._router.unfinished_from(self.epoch)
        return self._session.export(everything=everything, before=unfinished)

    @property
    def session_dirty(self) -> bool:
        self._note_sequence()
        return self._session.dirty

    async def wait_until_settled(self) -> None:
        await self._on_settled.wait()

    @property
    def online(self) -> bool:
        return self._online_at is not None

    # -- the connection -----------------------------------------------------------------------------

    async def _stay_connected(self, token: str) -> FinalOutcome:
        while True:
            try:
                end = await self._attempt(token)
            except IdentifyDeferredError as error:
                await self._pause("bots.identify_deferred", None, error.retry_after)
                continue
            if (final := self._judge(end)) is not None:
                return final
            await self._pause(end.reason, end.code, self._backoff.next_delay())

    async def _attempt(self, token: str) -> SocketEnd:
        """One connection from first to last; every failure to make it is an end like any other."""
        try:
            return await self._connect_once(token)
        except IdentifyDeferredError:
            raise
        except discord.LoginFailure:
            return _REFUSED
        except CallBarredError as error:
            refused = error.reason == "bots.token_invalid"
            return _REFUSED if refused else SocketEnd(None, resumable=True, reason=error.reason)
        except (discord.HTTPException, OSError, aiohttp.ClientError, msgspec.DecodeError) as error:
            refused = getattr(error, "status", None) == HTTPStatus.UNAUTHORIZED
            return _REFUSED if refused else _UNREACHABLE
        except Exception as error:  # noqa: BLE001 - our own mistake must not end a customer's bot
            self.on_event_failed("(connection)", error)
            return SocketEnd(None, resumable=False, reason="bots.internal_error")

    async def _connect_once(self, token: str) -> SocketEnd:
        if time.monotonic() > self.acts_until:
            # Another engine may hold the bot by now: taking its session back would be acting.
            raise CallBarredError("bots.lease_lost")
        if not self._introduced:
            await self._introduce(token)
            self._introduced = True
        session = self._session
        if session.resumable and not self._backoff.may_resume():
            session.invalidate()
        if session.resumable:
            url = session.resume_url or ""
        else:
            self.plan = await self._plan_intents()
            self._connection._intents = discord.Intents._from_value(self.plan.identify)
            url = await self._admit(self)
        async with asyncio.timeout(_OPEN_WITHIN):
            ws = await GatewaySocket.dial(
                self.http, self._connection, url=url, sink=self, heartbeats=self._heartbeats
            )
            self._socket = self.ws = ws
            if session.session_id is not None:
                await ws.resume_session(session.session_id, session.sequence)
            else:
                await ws.identify()
        # A gateway that neither greets nor refuses would hold the bot for ever.
        impatience = ws.loop.call_later(_GREETED_WITHIN, self._give_up, ws)
        try:
            return await ws.read()
        finally:
            impatience.cancel()
            self._note_sequence()
            if self._online_at is not None:
                self._backoff.settled(ws.loop.time() - self._online_at)
                self._online_at = None

    async def _introduce(self, token: str) -> None:
        await self._async_setup_hook()
        user = await self.http.static_login(token.strip())
        self._own_user = dict(user)
        self.own_id = int(user["id"])
        self._connection.user = discord.ClientUser(state=self._connection, data=user)
        if self.application_id is None:
            await self._read_application()
        if self._attach is not None:
            await self._attach(self)
        if self._session.resumable:
            self._seed()

    def _seed(self) -> None:
        """Give discord.py the guilds of the saved session, so that replayed events find them.

        Without it every replayed event has no guild and no channel, and READY never comes.
        """
        guilds = self._session.guilds()
        self._connection._intents = discord.Intents._from_value(self._session.intents)
        ready: Any = {
            "user": self._own_user,
            "guilds": [{"id": guild["id"], "unavailable": True} for guild in guilds],
        }
        self._connection.parse_ready(ready)
        for guild in guilds:
            self._connection.parse_guild_create(guild)  # pyright: ignore[reportArgumentType]
            self._router.meet_guild(int(guild["id"]))
        self.plan = plan_of_session(
            self._needs, application_id=self.application_id or 0, intents=self._session.intents
        )

    async def _plan_intents(self) -> IntentPlan:
        application_id, flags = await self._read_application()
        refused_at = self._privileged_refused_at
        if refused_at is not None and self.loop.time() - refused_at < _BELIEVE_REFUSAL:
            flags = without_privileged(flags)
        plan = plan_intents(self._needs, application_id=application_id, flags=flags)
        if plan.missing:
            self._report(self, IntentsMissing(plan))
        return plan

    async def _read_application(self) -> tuple[int, int]:
        application = await self.http.request(Route("GET", "/applications/@me"))
        application_id, flags = int(application["id"]), int(application.get("flags", 0))
        self._connection.application_id = application_id
        self._connection.application_flags = discord.ApplicationFlags._from_value(flags)
        return application_id, flags

    def _judge(self, end: SocketEnd) -> FinalOutcome | None:
        if end.code == _TOKEN_REFUSED:
            return TokenInvalid()
        if end.code in _FATAL:
            return Fatal(end.code)
        if end.code == _INTENTS_REFUSED:
            self._privileged_refused_at = self.loop.time()
        if not end.resumable or end.code == _INTENTS_REFUSED:
            self._session.invalidate()
        return None

    async def _pause(self, reason: str, code: int | None, delay: float) -> None:
        self._report(self, Reconnecting(reason, code, delay))
        await asyncio.sleep(delay)

    def _give_up(self, ws: GatewaySocket) -> None:
        if self._online_at is None:
            self._closing = asyncio.create_task(ws.close(KEEPS_SESSION))

    async def _hang_up(self, code: int) -> None:
        if (ws := self._socket) is not None and ws.open:
            await ws.close(code)
        self._note_sequence()

    def _note_sequence(self) -> None:
        ws, session = self._socket, self._session
        if ws is None or ws.sequence is None or session.session_id is None:
            return
        if ws.session_id == session.session_id:
            session.sequence = ws.sequence

    # -- events -------------------------------------------------------------------------------------

    def on_event(self, name: str, payload: msgspec.Raw, sequence: int) -> None:
        """Called by the socket for each dispatch, in order. What it raises is counted by the socket."""
        try:
            if name in PARSED:
                self._update_cache(name, payload)
        finally:
            self._router.route(self, name, payload, sequence)

    def is_behind(self) -> bool:
        return self._router.is_behind()

    def on_event_failed(self, name: str, error: Exception) -> None:
        self.failures[name] += 1
        logger.opt(exception=error).error("gateway event failed", bot=str(self.bot_id), event=name)

    def _update_cache(self, name: str, payload: msgspec.Raw) -> None:
        session = self._session
        if name == "GUILD_MEMBER_UPDATE":
            key = msgspec.json.decode(payload, type=_MemberKey)
            if int(key.user.id) != self.own_id:
                return
            session.note_own_member(int(key.guild_id), payload)
        elif name in CHANGES_A_GUILD:
            session.note(name, payload)
        data = msgspec.json.decode(payload)
        if name == "READY":
            self._begin_session(data)
        elif name == "GUILD_CREATE" and not data.get("unavailable"):
            session.add_guild(data, own_id=str(self.own_id))
            self._router.meet_guild(int(data["id"]))
            self._awaited.discard(int(data["id"]))
        elif name == "GUILD_DELETE" and not data.get("unavailable"):
            session.drop_guild(int(data["id"]))
            self._router.forget_guild(int(data["id"]))
        self._connection.parsers[name](data)
        if name == "READY":
            self._awaited = {int(guild["id"]) for guild in data["guilds"]}
        if name in {"READY", "RESUMED"}:
            self._be_online(resumed=name == "RESUMED")
        if not self.settled and name in {"READY", "RESUMED", "GUILD_CREATE"}:
            self._settle_soon()

    def _begin_session(self, ready: dict[str, Any]) -> None:
        self.epoch += 1
        self._session.begin(
            session_id=ready["session_id"],
            resume_url=ready["resume_gateway_url"],
            intents=self._connection._intents.value,
        )

    def _settle_soon(self) -> None:
        """Settled once every awaited guild came, or none has come for a while: some may be in an outage."""
        if self._patience is not None:
            self._patience.cancel()
        delay = _GUILDS_WITHIN if self._awaited else 0.0
        self._patience = asyncio.get_running_loop().call_later(delay, self._be_settled)

    def _be_settled(self) -> None:
        self.settled = True
        self._on_settled.set()

    def _be_online(self, *, resumed: bool) -> None:
        self._online_at = asyncio.get_running_loop().time()
        self._note_sequence()
        self._report(self, Online(resumed))
