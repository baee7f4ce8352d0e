"""IDENTIFY and RESUME: what they must hold, what they cost, and how a session opens."""

import time
from typing import Any, Final

from astero_sandbox.discord.actions.guilds import guild_create_for
from astero_sandbox.discord.models import (
    GUILD_MEMBERS_LIMITED,
    IDENTIFIES_A_DAY,
    MESSAGE_CONTENT_LIMITED,
    PRESENCE_LIMITED,
    Application,
)
from astero_sandbox.discord.payloads.people import partial_application, user
from astero_sandbox.discord.sandbox import Sandbox

from . import protocol
from .connection import Connection
from .protocol import Close, Op
from .session import Session

_DAY: Final = 86_400.0
# Intent -> the application flags that allow it (approved, or limited for applications below the threshold).
_PRIVILEGED: Final = {
    protocol.GUILD_PRESENCES: PRESENCE_LIMITED | PRESENCE_LIMITED >> 1,
    protocol.GUILD_MEMBERS: GUILD_MEMBERS_LIMITED | GUILD_MEMBERS_LIMITED >> 1,
    protocol.MESSAGE_CONTENT: MESSAGE_CONTENT_LIMITED | MESSAGE_CONTENT_LIMITED >> 1,
}


class RefusedError(Exception):
    """The connection ends with this close code."""

    def __init__(self, code: Close) -> None:
        self.code = code
        super().__init__(protocol.REASONS[code])


class IdentifyQueue:
    """One identify per application and window, as `max_concurrency` 1 says."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._free_at: dict[int, float] = {}

    def seconds_to_wait(self, application_id: int) -> float:
        """0 takes the place; more means the place is taken for that long."""
        now = time.monotonic()
        wait = self._free_at.get(application_id, 0.0) - now
        if wait > 0:
            return wait
        self._free_at[application_id] = now + self._window
        return 0.0


def authenticate(sandbox: Sandbox, data: dict[str, Any]) -> Application:
    token = data.get("token")
    app = None
    if isinstance(token, str):
        app = sandbox.world.find_application_by_token(token.removeprefix("Bot "))
    if app is None:
        raise RefusedError(Close.AUTHENTICATION_FAILED)
    return app


def checked_intents(app: Application, data: dict[str, Any]) -> int:
    intents = data.get("intents")
    if not isinstance(intents, int) or intents < 0 or intents & ~protocol.KNOWN_INTENTS:
        raise RefusedError(Close.INVALID_INTENTS)
    for intent, flags in _PRIVILEGED.items():
        if intents & intent and not app.flags & flags:
            raise RefusedError(Close.DISALLOWED_INTENTS)
    if data.get("shard", [0, 1]) != [0, 1]:
        raise RefusedError(Close.INVALID_SHARD)
    return intents


def spend_identify(sandbox: Sandbox, app: Application) -> None:
    """The 1001st identify of a day ends all sessions and costs the application its token."""
    refresh_budget(app)
    if app.identifies_left <= 0:
        sandbox.world.reset_token(app)
        for session in list(sandbox.hub.sessions_of(app.id)):
            sandbox.hub.drop(session)
        raise RefusedError(Close.AUTHENTICATION_FAILED)
    app.identifies_left -= 1
    sandbox.world.dirty = True


def refresh_budget(app: Application) -> None:
    if app.identifies_reset_at <= time.time():
        app.identifies_left = IDENTIFIES_A_DAY
        app.identifies_reset_at = time.time() + _DAY


def open_session(sandbox: Sandbox, app: Application, intents: int, connection: Connection) -> Session:
    """READY with every guild unavailable, then the guilds one by one."""
    session = Session(application_id=app.id, intents=intents, log=sandbox.log)
    session.attach(connection)
    sandbox.hub.add(session)
    guilds = sandbox.world.guilds_of(app.id)
    session.dispatch_data(
        "READY",
        {
            "v": 10,
            "user_settings": {},
            "user": user(sandbox.world.users[app.id])
            | {"verified": True, "mfa_enabled": False, "email": None},
            "session_type": "normal",
            "session_id": session.id,
            "resume_gateway_url": sandbox.settings.gateway_url,
            "relationships": [],
            "private_channels": [],
            "presences": [],
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "guild_join_requests": [],
            "geo_ordered_rtc_regions": [],
            "shard": [0, 1],
            "application": partial_application(app),
            "_trace": [],
        },
    )
    if intents & protocol.GUILDS:
        for guild in guilds:
            if not guild.unavailable:
                data = guild_create_for(sandbox, guild, app.id, intents)
                session.dispatch_data("GUILD_CREATE", data)
    return session


def resume_session(
    sandbox: Sandbox, app: Application, data: dict[str, Any], connection: Connection
) -> Session | None:
    """The session with everything missed sent again, or None where a new one must be opened."""
    session = sandbox.hub.find(str(data.get("session_id")))
    seq = data.get("seq")
    if session is None or session.application_id != app.id:
        return None
    if not isinstance(seq, int) or seq > session.seq:
        raise RefusedError(Close.INVALID_SEQ)
    if not session.can_replay_after(seq):
        sandbox.hub.drop(session)
        return None
    if session.connection is not None:
        session.connection.cut()
    session.attach(connection)
    session.replay_after(seq)
    session.dispatch_data("RESUMED", {"_trace": []})
    return session


def invalid_session(connection: Connection, *, resumable: bool) -> None:
    connection.send_op(Op.INVALID_SESSION, resumable)
