"""The line of one bot to Discord: logs in, connects, resumes, reconnects, and ends only where it must.

Guarantees: every failure is an end like any other and is reported once; a refused token is never tried again;
resuming is given up before it can brick a bot; nothing connects while the lease is in doubt.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

import aiohttp
import discord
import msgspec
from loguru import logger

from astero_bot_engine.gateway.admission import Admission, IdentifyDeferredError
from astero_bot_engine.gateway.backoff import Backoff
from astero_bot_engine.gateway.heartbeat import HeartbeatScheduler
from astero_bot_engine.gateway.intents import (
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
    Reconnecting,
    Stopped,
    TokenInvalid,
)
from astero_bot_engine.gateway.rest import UNAUTHORIZED_REASON, CallBarredError
from astero_bot_engine.gateway.session import SessionRecord
from astero_bot_engine.gateway.socket import ENDS_SESSION, KEEPS_SESSION, GatewaySocket, SocketEnd

if TYPE_CHECKING:
    from astero_bot_engine.gateway.client import BotClient

_FATAL: Final = frozenset({4010, 4011, 4012, 4013})
_TOKEN_REFUSED: Final = 4004
_INTENTS_REFUSED: Final = 4014
_REFUSED: Final = SocketEnd(_TOKEN_REFUSED, resumable=False, reason=UNAUTHORIZED_REASON)
_UNREACHABLE: Final = SocketEnd(None, resumable=True, reason="bots.discord_unreachable")
# Discord's refusal outweighs the flags for this long: believing stale flags would cost an identify each time.
_BELIEVE_REFUSAL: Final = 3600.0
# Connect, HELLO and IDENTIFY or RESUME together; then READY or RESUMED.
_OPEN_WITHIN: Final = 20.0
_GREETED_WITHIN: Final = 60.0


class Lifeline:
    """`admit` waits for the identify budget and answers the gateway URL (GET /gateway/bot)."""

    def __init__(
        self,
        client: "BotClient",
        *,
        session: SessionRecord,
        heartbeats: HeartbeatScheduler,
        admit: "Callable[[BotClient], Awaitable[str]]",
        needs: Mapping[str, int],
        backoff: Backoff,
    ) -> None:
        self.plan: IntentPlan | None = None
        self.online_at: float | None = None
        self._client = client
        self._session = session
        self._heartbeats = heartbeats
        self._admit = admit
        self._needs = dict(needs)
        self._backoff = backoff
        self._introduced = False
        self._socket: GatewaySocket | None = None
        self._privileged_refused_at: float | None = None
        self._stop_asked = asyncio.Event()
        self._asked: FinalOutcome = Stopped(kept=True)
        self._closing: asyncio.Task[None] | None = None
        self._admission = Admission(ask=self._ask_for_turn, switch=self._give_up_session)
        self._last_told: tuple[str, int | None] | None = None

    async def run(self, token: str) -> FinalOutcome:
        """Until it is ended. Cancelling it drops the line and keeps the session."""
        work = asyncio.create_task(self._stay_connected(token))
        stop = asyncio.create_task(self._stop_asked.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.done():
                return work.result()
            # The reader goes first: closing under it would let it answer with a close code of its own.
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            kept = self._asked == Stopped(kept=True)
            await self._hang_up(KEEPS_SESSION if kept else ENDS_SESSION)
            if not kept:
                self._session.invalidate()
            return self._asked
        finally:
            self._admission.cancel()
            stop.cancel()
            work.cancel()
            await asyncio.gather(stop, work, return_exceptions=True)
            await self._hang_up(KEEPS_SESSION)

    def end(self, outcome: FinalOutcome) -> None:
        """Make `run` end with `outcome`; only Stopped(kept=True) leaves the session to be resumed."""
        self._asked = outcome
        self._stop_asked.set()

    async def need(self, needs: Mapping[str, int]) -> None:
        """See BotClient.need."""
        self._needs = dict(needs)
        if self.plan is None or self._admission.under_way:
            return  # the next session is planned when it begins
        if needed(needs) & ~self.plan.identify:
            plan = await self._plan_intents()
            if plan.identify & ~self.plan.identify:
                if self.online_at is not None:
                    self._admission.begin()
                    return
                # At once, or being asked again before the new line stands would cut that one, too.
                self.plan = plan
                await self._give_up_session()
                return
        self._follow_session(self.plan.identify)

    def note_sequence(self) -> None:
        """Bring the session up to what the socket has read."""
        ws, session = self._socket, self._session
        if ws is None or ws.sequence is None or session.session_id is None:
            return
        if ws.session_id == session.session_id:
            session.sequence = ws.sequence

    # -- the loop -----------------------------------------------------------------------------------

    async def _stay_connected(self, token: str) -> FinalOutcome:
        while True:
            try:
                end = await self._attempt(token)
            except IdentifyDeferredError as error:
                await self._pause("bots.identify_deferred", None, error.retry_after)
                continue
            if (final := self._judge(end)) is not None:
                return final
            delay = 0.0 if self._admission.granted else self._backoff.next_delay()
            await self._pause(end.reason, end.code, delay)

    async def _attempt(self, token: str) -> SocketEnd:
        """One connection from first to last; every failure to make it is an end like any other."""
        try:
            return await self._connect_once(token)
        except IdentifyDeferredError:
            raise
        except CallBarredError as error:
            refused = error.reason == UNAUTHORIZED_REASON
            return _REFUSED if refused else SocketEnd(None, resumable=True, reason=error.reason)
        except (discord.HTTPException, OSError, aiohttp.ClientError, msgspec.DecodeError):
            return _UNREACHABLE
        except Exception as error:  # noqa: BLE001 - our own mistake must not end a customer's bot
            self._client.on_event_failed("(connection)", error)
            return SocketEnd(None, resumable=False, reason="bots.internal_error")

    async def _connect_once(self, token: str) -> SocketEnd:
        client, session = self._client, self._session
        if time.monotonic() > client.acts_until:
            # Another engine may hold the bot by now: taking its session back would be acting.
            raise CallBarredError("bots.lease_lost")
        if not self._introduced:
            await client.introduce(token)
            if session.resumable:
                client.seed()
                self._follow_session(session.intents)
            self._introduced = True
        if session.resumable and not self._backoff.may_resume():
            session.invalidate()
        if session.resumable:
            url = session.resume_url or ""
        else:
            # First, or a Discord that cannot be asked for the plan would be asked without a pause.
            turn = self._admission.take()
            self.plan = await self._plan_intents()
            client._connection._intents = discord.Intents._from_value(self.plan.identify)
            url = turn or await self._admit(client)
        async with asyncio.timeout(_OPEN_WITHIN):
            ws = await GatewaySocket.dial(
                client.http, client._connection, url=url, sink=client, heartbeats=self._heartbeats
            )
            self._socket = client.ws = ws
            if session.session_id is not None:
                await ws.resume_session(session.session_id, session.sequence)
            else:
                await ws.identify()
        return await self._listen(ws)

    async def _ask_for_turn(self) -> str:
        url = await self._admit(self._client)
        if time.monotonic() > self._client.acts_until:
            # The session may be another engine's by now, and ending it would be acting.
            raise CallBarredError("bots.lease_lost")
        return url

    async def _give_up_session(self) -> None:
        self._session.invalidate()
        await self._hang_up(ENDS_SESSION)

    async def _listen(self, ws: GatewaySocket) -> SocketEnd:
        # A gateway that neither greets nor refuses would hold the bot for ever.
        impatience = ws.loop.call_later(_GREETED_WITHIN, self._give_up, ws)
        try:
            return await ws.read()
        finally:
            impatience.cancel()
            self.note_sequence()
            if self.online_at is not None:
                self._backoff.settled(ws.loop.time() - self.online_at)
                self.online_at = self._last_told = None

    def _give_up(self, ws: GatewaySocket) -> None:
        if self.online_at is None:
            self._closing = asyncio.create_task(ws.close(KEEPS_SESSION))

    def _follow_session(self, intents: int) -> None:
        """The plan of a session whose intents are decided."""
        application_id = self._client.application_id or 0
        self.plan = plan_of_session(self._needs, application_id=application_id, intents=intents)

    async def _plan_intents(self) -> IntentPlan:
        application_id, flags = await self._client.read_application()
        refused_at = self._privileged_refused_at
        if refused_at is not None and time.monotonic() - refused_at < _BELIEVE_REFUSAL:
            flags = without_privileged(flags)
        plan = plan_intents(self._needs, application_id=application_id, flags=flags)
        if plan.missing:
            self._client.report(IntentsMissing(plan))
        return plan

    def _judge(self, end: SocketEnd) -> FinalOutcome | None:
        if end.code == _TOKEN_REFUSED:
            return TokenInvalid()
        if end.code in _FATAL:
            return Fatal(end.code)
        if end.code == _INTENTS_REFUSED:
            self._privileged_refused_at = time.monotonic()
        if not end.resumable or end.code == _INTENTS_REFUSED:
            self._session.invalidate()
        return None

    async def _pause(self, reason: str, code: int | None, delay: float) -> None:
        # Once for each cause until it is online again: Discord may be away for hours.
        if self._last_told != (reason, code):
            self._last_told = (reason, code)
            logger.info(
                "bot disconnected",
                bot=str(self._client.bot_id),
                reason=reason,
                code=code,
                retry=round(delay, 1),
            )
        self._client.report(Reconnecting(reason, code, delay))
        await asyncio.sleep(delay)

    async def _hang_up(self, code: int) -> None:
        if (ws := self._socket) is not None and ws.open:
            await ws.close(code)
        self.note_sequence()
