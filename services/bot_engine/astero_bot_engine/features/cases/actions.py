"""What each kind of case does at Discord, so that doing it twice is doing it once.

A member who left, an unknown ban or a deleted message count as done: what was wanted is so. A refusal comes
back as a stable code, kept in the case and told to people in their own language.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import discord

from astero_bot_engine.dispatch.deletions import DeleteQueue
from astero_bot_engine.dispatch.guard import Done, Failed, Guard, Refused
from astero_bot_engine.dispatch.ranks import REQUIRED
from astero_bot_engine.dispatch.reasons import audit_reason
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.gateway.rest import CallBarredError
from astero_shared.clock import utc_now
from astero_shared.features.cases.rules import MAX_TIMEOUT
from astero_shared.features.cases.tables import Case

# Unknown Message, Unknown Member, Unknown User, Unknown Ban.
_GONE: Final = frozenset({10007, 10008, 10013, 10026})
# Discord refuses these on members whose highest role is not below the bot's.
_RANKED: Final = frozenset({"timeout", "kick", "ban"})
_FORESEEN: Final = {
    "guard.target_is_self": "cases.target_is_bot",
    "guard.target_is_owner": "cases.target_is_owner",
    "guard.unknown_guild": "cases.not_in_server",
    "guard.unknown_channel": "cases.refused",
}
# A ban by automod takes the author's last hour of messages along; a moderator purges by hand.
_BAN_DELETES_SECONDS: Final = 3600


async def perform(guard: Guard, client: BotClient, case: Case, deletions: DeleteQueue) -> str | None:
    """Do what the case says; answers the code of the failure, None when it is done.

    Raises discord.DiscordServerError, CallBarredError and OSError when Discord cannot be asked now: the case
    stays pending.
    """
    if client.get_guild(case.guild_id) is None:
        return "cases.not_in_server"
    if case.action == "purge":
        # Only the moderator's command knew which messages; another "last 20" would be other messages.
        return "cases.interrupted"
    reason = audit_reason(f"#{case.number} {case.reason or case.rule or case.action}")
    failure = None
    if case.message_id is not None and case.channel_id is not None:
        outcome = await deletions.delete(
            client, case.guild_id, case.channel_id, case.message_id, reason=reason
        )
        failure = failure_of(outcome, "delete")
    request = _request(client, case, reason)
    if request is None:
        return failure
    outcome = await guard.call(
        client,
        request,
        guild_id=case.guild_id,
        needs=discord.Permissions(**{REQUIRED[case.action]: True}).value,
        target_id=case.target_id if case.action in _RANKED else None,
    )
    return failure_of(outcome, case.action) or failure


def failure_of(outcome: Done[Any] | Refused | Failed, action: str) -> str | None:
    """The code people are told, None when what was wanted is so."""
    if isinstance(outcome, Done):
        return None
    if isinstance(outcome, Failed):
        if outcome.code in _GONE:
            return None
        if outcome.status == HTTPStatus.UNAUTHORIZED:
            # The token was reset: that is no answer about this action, which waits for the new one.
            raise CallBarredError("bots.token_invalid")
        # The permission was there when it was checked: what is left is the order of the roles.
        refused_rank = outcome.status == HTTPStatus.FORBIDDEN and action in _RANKED
        return "cases.target_above_bot" if refused_rank else "cases.refused"
    kind, _, permission = outcome.code.partition(":")
    if kind == "guard.missing_permission":
        return f"cases.missing_{permission}" if permission in REQUIRED.values() else "cases.refused"
    if kind in _FORESEEN:
        return _FORESEEN[kind]
    raise CallBarredError(outcome.code)


def _request(client: BotClient, case: Case, reason: str) -> Callable[[], Awaitable[Any]] | None:
    """None when the case itself is all there is to do."""
    http, guild_id, target_id = client.http, case.guild_id, case.target_id
    if case.action == "timeout" and (until := timeout_ends(case)) > utc_now():
        end = until.isoformat()
        return lambda: http.edit_member(guild_id, target_id, communication_disabled_until=end, reason=reason)
    if case.action == "kick":
        return lambda: http.kick(target_id, guild_id, reason=reason)
    if case.action == "ban":
        seconds = _BAN_DELETES_SECONDS if case.source == "automod" else 0
        return lambda: http.ban(target_id, guild_id, delete_message_seconds=seconds, reason=reason)
    if case.action == "unban":
        return lambda: http.unban(target_id, guild_id, reason=reason)
    return None


def timeout_ends(case: Case) -> datetime:
    """Counted from the case's opening, so that carrying it out later does not make it longer."""
    return case.created_at + min(timedelta(seconds=case.duration_seconds or 0), MAX_TIMEOUT)
