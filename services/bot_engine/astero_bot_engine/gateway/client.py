"""One hosted bot: a discord.Client that we connect, keep alive, resume and stop ourselves.

Guarantees: every change of state is reported once, as a typed outcome; no thread, no member and no message
cache; a failing event or a broken line never ends the bot, a refused token always does.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol
from uuid import UUID

import discord
import msgspec
from discord.http import Route
from loguru import logger

from astero_bot_engine.gateway.backoff import Backoff
from astero_bot_engine.gateway.heartbeat import HeartbeatScheduler
from astero_bot_engine.gateway.intents import PRIVILEGED, IntentPlan, needed
from astero_bot_engine.gateway.lifeline import Lifeline
from astero_bot_engine.gateway.outcomes import FinalOutcome, Online, Outcome, Stopped, TokenInvalid
from astero_bot_engine.gateway.rest import UNAUTHORIZED_REASON, BotHTTP, RestTransport
from astero_bot_engine.gateway.session import CHANGES_A_GUILD, SavedSession, SessionRecord
from astero_bot_engine.gateway.state_events import PARSED

# No bot of ours speaks, so what is missing for that is nobody's concern at each start.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
# Between two guilds after READY.
_GUILDS_WITHIN: Final = 2.0


class EventRouter(Protocol):
    """Takes every dispatch event of a bot, after the cache has seen it."""

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
    """`run_until_stopped` connects until it is stopped or cannot go on, and answers why."""

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
        self.own_id = 0
        self.epoch = 0
        """Grows with every new session, in which sequences begin again."""
        self.settled = False
        """Whether every guild of READY is in the cache; only then a missing guild means something."""
        self.failures: Counter[str] = Counter()
        self.barred: str | None = None
        # Nothing is sent to Discord past this time.monotonic(): another engine may act by then.
        self.acts_until = math.inf
        self.http = self._connection.http = BotHTTP(transport, owner=self, bar=self._why_barred)
        # Only what the cache needs; the rest of discord.py's parsers are bound methods nobody calls.
        self._connection.parsers = {
            name: parse for name, parse in self._connection.parsers.items() if name in PARSED
        }
        self._router = router
        self._report = report
        self._attach = attach
        # A session cannot gain intents by being resumed: with too few of them it is not worth keeping.
        usable = saved is not None and not needed(needs) & ~PRIVILEGED & ~saved.intents
        self._session = SessionRecord(saved if usable else None)
        self._line = Lifeline(
            self,
            session=self._session,
            heartbeats=heartbeats,
            admit=admit,
            needs=needs,
            backoff=backoff or Backoff(),
        )
        self._own_user: dict[str, Any] = {}
        self._awaited: set[int] = set()
        self._patience: asyncio.TimerHandle | None = None
        self._on_settled = asyncio.Event()

    # -- life ---------------------------------------------------------------------------------------

    async def run_until_stopped(self, token: str) -> FinalOutcome:
        """Log in, connect, reconnect. Cancelling it drops the line and keeps the session."""
        final: FinalOutcome = Stopped(kept=True)
        try:
            final = await self._line.run(token)
        finally:
            for timer in (self._connection._ready_task, self._patience):
                if timer is not None:
                    timer.cancel()
            self.report(final)
        return final

    def stop(self, *, keep_session: bool) -> None:
        """End `run_until_stopped`. Keeping the session lets another process resume it (hand-over)."""
        self._line.end(Stopped(kept=keep_session))

    def refuse_token(self) -> None:
        """A REST answer was 401: nothing more is asked with this token, and the bot ends TokenInvalid."""
        self.barred = UNAUTHORIZED_REASON
        self._line.end(TokenInvalid())

    async def need(self, needs: Mapping[str, int]) -> None:
        """The enabled modules changed. A new intent costs a new identify; one less waits for the next.

        Raises what REST raises: whether an intent is allowed is asked of Discord.
        """
        await self._line.need(needs)

    def report(self, outcome: Outcome) -> None:
        self._report(self, outcome)

    @property
    def plan(self) -> IntentPlan | None:
        """The intents of this session and what is missing; None before the first one."""
        return self._line.plan

    @property
    def online(self) -> bool:
        return self._line.online_at is not None

    async def wait_until_settled(self) -> None:
        await self._on_settled.wait()

    def export_session(self, *, everything: bool = False) -> SavedSession | None:
        """See SessionRecord.export. Events not yet worked off count as not received."""
        self._line.note_sequence()
        unfinished = self._router.unfinished_from(self.epoch)
        return self._session.export(everything=everything, before=unfinished)

    @property
    def session_dirty(self) -> bool:
        self._line.note_sequence()
        return self._session.dirty

    def _why_barred(self) -> str | None:
        if self.barred is None and time.monotonic() > self.acts_until:
            return "bots.lease_lost"
        return self.barred

    # -- what its line asks -------------------------------------------------------------------------

    async def introduce(self, token: str) -> None:
        """Log in over REST. Raises what REST raises."""
        await self._async_setup_hook()
        user = await self.http.static_login(token.strip())
        self._own_user = dict(user)
        self.own_id = int(user["id"])
        self._connection.user = discord.ClientUser(state=self._connection, data=user)
        if self.application_id is None:
            await self.read_application()
        if self._attach is not None:
            await self._attach(self)

    async def read_application(self) -> tuple[int, int]:
        """The application's id and flags, as GET /applications/@me has them now."""
        application = await self.http.request(Route("GET", "/applications/@me"))
        application_id, flags = int(application["id"]), int(application.get("flags", 0))
        self._connection.application_id = application_id
        self._connection.application_flags = discord.ApplicationFlags._from_value(flags)
        return application_id, flags

    def seed(self) -> None:
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

    # -- events -------------------------------------------------------------------------------------

    def on_event(self, name: str, payload: msgspec.Raw, sequence: int) -> None:
        """Called by the socket for each dispatch, in order. What it raises is counted by the socket."""
        try:
            if name in PARSED:
                self._update_cache(name, payload)
        finally:
            self._router.route(self, name, payload, sequence)

    def on_event_failed(self, name: str, error: Exception) -> None:
        self.failures[name] += 1
        logger.opt(exception=error).error("gateway event failed", bot=str(self.bot_id), event=name)

    def is_behind(self) -> bool:
        return self._router.is_behind()

    def _update_cache(self, name: str, payload: msgspec.Raw) -> None:
        if name == "GUILD_MEMBER_UPDATE":
            key = msgspec.json.decode(payload, type=_MemberKey)
            if int(key.user.id) != self.own_id:
                return
            self._session.note_own_member(int(key.guild_id), payload)
        elif name in CHANGES_A_GUILD:
            self._session.note(name, payload)
        data = msgspec.json.decode(payload)
        match name:
            case "READY":
                self._begin_session(data)
            case "GUILD_CREATE" if not data.get("unavailable"):
                self._session.add_guild(data, own_id=str(self.own_id))
                self._router.meet_guild(int(data["id"]))
                self._awaited.discard(int(data["id"]))
            case "GUILD_DELETE" if not data.get("unavailable"):
                self._session.drop_guild(int(data["id"]))
                self._router.forget_guild(int(data["id"]))
            case _:
                """The cache alone is concerned."""
        self._connection.parsers[name](data)
        if name in {"READY", "RESUMED"}:
            self._be_online(resumed=name == "RESUMED")
        if not self.settled and name in {"READY", "RESUMED", "GUILD_CREATE"}:
            self._settle_soon()

    def _begin_session(self, ready: dict[str, Any]) -> None:
        self.epoch += 1
        self.settled = False
        self._on_settled.clear()
        self._awaited = {int(guild["id"]) for guild in ready["guilds"]}
        self._session.begin(
            session_id=ready["session_id"],
            resume_url=ready["resume_gateway_url"],
            intents=self._connection._intents.value,
        )

    def _be_online(self, *, resumed: bool) -> None:
        self._line.online_at = asyncio.get_running_loop().time()
        self._line.note_sequence()
        logger.info("bot online", bot=str(self.bot_id), resumed=resumed)
        self.report(Online(resumed))

    def _settle_soon(self) -> None:
        """Settled once every awaited guild came, or none has come for a while: some may be in an outage."""
        if self._patience is not None:
            self._patience.cancel()
        delay = _GUILDS_WITHIN if self._awaited else 0.0
        self._patience = asyncio.get_running_loop().call_later(delay, self._be_settled)

    def _be_settled(self) -> None:
        self.settled = True
        self._on_settled.set()
