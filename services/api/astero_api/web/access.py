"""From an access token to a typed proof: signed in, owner of this bot, manager of this server.

A bot that is not visible to the asker is 404, exactly like one that does not exist.
"""

from typing import Any, Protocol, TypeVar
from uuid import UUID

from litestar import Request

from astero_api.web.access_token import AccessToken
from astero_api.web.context import RequestContext, context_of
from astero_api.web.identity import Identity
from astero_api.web.policy import Permission
from astero_api.web.reader import Reader
from astero_api.web.second_step import SecondStep
from astero_shared.clock import utc_now
from astero_shared.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from astero_shared.features.bots.tables import SHARED_BOT_ID
from astero_shared.features.sessions.rules import is_fresh
from astero_shared.features.sessions.standing import STANDING, STANDING_WITH_BOT, Standing
from astero_shared.i18n import nearest_locale
from astero_shared.ids import Snowflake
from astero_shared.observability.security_events import log_security_event
from astero_shared.scope import BotScope, GuildScope

T = TypeVar("T")


def not_signed_in() -> UnauthenticatedError:
    """One answer for a missing, forged, expired, revoked or foreign session."""
    return UnauthenticatedError()


class GuildManagers(Protocol):
    """Discord's word on who may change a server's settings; `ask_again` before what cannot be undone."""

    async def manages(self, user_id: UUID, guild_id: int, *, ask_again: bool) -> bool: ...


async def authorise(
    context: RequestContext,
    permission: Permission,
    path: dict[str, Any],
    *,
    reader: Reader,
    managers: GuildManagers | None,
    ask_again: bool,
) -> None:
    """Put the proofs `permission` stands for into `context`. One statement, whatever the permission.

    The owner of a branded bot manages every server it is in; of the shared bot nobody is the owner, and a
    server belongs to those whom Discord lets manage it. Raises UnauthenticatedError or NotFoundError.
    """
    if permission is Permission.PUBLIC:
        return
    if permission is Permission.SECOND_STEP:
        if context.second_step is None:
            raise not_signed_in()
        return
    if context.access is None:
        raise not_signed_in()
    if permission is Permission.SIGNED_IN:
        context.identity = _identity(await reader.find(STANDING, **_asked(context.access)))
        return
    bot_id: UUID = path["bot_id"]
    standing = await reader.find(STANDING_WITH_BOT, bot_id=bot_id, **_asked(context.access))
    context.identity = identity = _identity(standing)
    owner = standing is not None and standing.owns_bot
    if owner or (permission is Permission.BOT_VIEWER and bot_id == SHARED_BOT_ID):
        context.bot = BotScope(actor=identity.actor, bot_id=bot_id)
    if permission is Permission.GUILD_MANAGER and (owner or bot_id == SHARED_BOT_ID):
        guild_id = _guild_id(path["guild_id"])
        if not owner and (
            managers is None or not await managers.manages(identity.user_id, guild_id, ask_again=ask_again)
        ):
            raise _not_in_server(context, bot_id, guild_id)
        context.guild = GuildScope(actor=identity.actor, bot_id=bot_id, guild_id=guild_id)
    elif context.bot is None:
        raise _not_theirs(context, bot_id, standing)


def is_proved(context: RequestContext) -> bool:
    """Whether the user has proved who they are within five minutes.

    So must say the session, and the token too, of which an older copy may be in other hands.
    """
    if context.identity is None or context.access is None:
        return False
    now = utc_now()
    return is_fresh(context.identity.authenticated_at, now=now) and is_fresh(
        context.access.authenticated_at, now=now
    )


def refuse_stale(context: RequestContext) -> None:
    """For routes that ask for such a proof. Raises ForbiddenError `auth.reauthentication_required`."""
    if not is_proved(context):
        raise ForbiddenError(code="auth.reauthentication_required")


async def find_identity(request: Request[Any, Any, Any]) -> Identity | None:
    """Who is signed in, for a public route that treats them differently."""
    context = context_of(request.scope)
    if context.access is None:
        return None
    reader: Reader = request.app.state.reader
    standing = await reader.find(STANDING, **_asked(context.access))
    context.identity = None if standing is None else _identity(standing)
    return context.identity


def _asked(access: AccessToken) -> dict[str, Any]:
    return {
        "session_id": access.session_id,
        "user_id": access.user_id,
        "token_version": access.token_version,
        "now": utc_now(),
    }


def _identity(standing: Standing | None) -> Identity:
    if standing is None:
        raise not_signed_in()
    return Identity(
        user_id=standing.user_id,
        session_id=standing.session_id,
        email=standing.email,
        display_name=standing.display_name,
        locale=nearest_locale(standing.locale),
        authenticated_at=standing.authenticated_at,
        email_verified=standing.email_verified,
    )


def _guild_id(text: str) -> int:
    try:
        return int(Snowflake.parse(text))
    except ValueError:
        raise NotFoundError(code="installations.not_found") from None


def _not_in_server(context: RequestContext, bot_id: UUID, guild_id: int) -> NotFoundError:
    ip = context.client_ip
    log_security_event("authz.tenant.refused", ip=ip, bot=str(bot_id), guild=str(guild_id))
    return NotFoundError(code="installations.not_found")


def _not_theirs(context: RequestContext, bot_id: UUID, standing: Standing | None) -> NotFoundError:
    """A bot that is another's and one that was never there are the same to the asker, not to the log."""
    if standing is not None and standing.is_anothers_bot:
        log_security_event("authz.tenant.refused", ip=context.client_ip, bot=str(bot_id))
    return NotFoundError(code="bots.not_found")


def provide_identity(request: Request[Any, Any, Any]) -> Identity:
    return _proven(context_of(request.scope).identity)


def provide_second_step(request: Request[Any, Any, Any]) -> SecondStep:
    return _proven(context_of(request.scope).second_step)


def provide_bot(request: Request[Any, Any, Any]) -> BotScope:
    return _proven(context_of(request.scope).bot)


def provide_guild(request: Request[Any, Any, Any]) -> GuildScope:
    return _proven(context_of(request.scope).guild)


def _proven(proof: T | None) -> T:
    if proof is None:
        raise RuntimeError("a route takes a proof its permission does not give")
    return proof
