"""What each kind of case does at Discord, so that doing it twice is doing it once.

A member who left, an unknown ban or a deleted message count as done: what was wanted is so. A refusal comes
back as a stable code, kept in the case and told to people in their own language.
"""

from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import discord

from astero_bot_engine.features.cases.deletions import DeleteQueue
from astero_bot_engine.gateway.client import BotClient
from astero_shared.clock import utc_now
from astero_shared.features.cases.tables import Case

# Unknown Message, Unknown Member, Unknown User, Unknown Ban.
_GONE: Final = frozenset({10007, 10008, 10013, 10026})
_REASON_BYTES: Final = 512
# What the bot itself needs for an action, as discord.Permissions names it.
REQUIRED: Final[dict[str, str]] = {
    "delete": "manage_messages",
    "purge": "manage_messages",
    "timeout": "moderate_members",
    "kick": "kick_members",
    "ban": "ban_members",
    "unban": "ban_members",
}
# Discord refuses these on members whose highest role is not below the bot's.
_RANKED: Final = frozenset({"timeout", "kick", "ban"})
# A ban by automod takes the author's last hour of messages along; a moderator purges by hand.
_BAN_DELETES_SECONDS: Final = 3600
# Discord refuses a timeout that ends more than 28 days ahead.
_MAX_TIMEOUT: Final = timedelta(days=28)


def audit_reason(text: str) -> str:
    """The text cut so that it fits Discord's header: 512 bytes once URL-encoded."""
    used = 0
    for index, character in enumerate(text):
        used += len(quote(character, safe="/ "))
        if used > _REASON_BYTES:
            return text[:index]
    return text


async def perform(client: BotClient, case: Case, deletions: DeleteQueue) -> str | None:
    """Do what the case says; answers the code of the failure, None when it is done.

    Raises discord.DiscordServerError and OSError when Discord cannot be asked now: the case stays pending.
    """
    guild = client.get_guild(case.guild_id)
    if guild is None:
        return "cases.not_in_server"
    if case.action == "purge":
        # Only the moderator's command knew which messages; another "last 20" would be other messages.
        return "cases.interrupted"
    reason = audit_reason(f"#{case.number} {case.reason or case.rule or case.action}")
    failure = None
    if case.message_id is not None and case.channel_id is not None:
        deleting = deletions.delete(client, case.channel_id, case.message_id, reason=reason)
        failure = await _attempt(deleting, guild, "delete", case.target_id)
    return await _attempt(_act(client, case, reason), guild, case.action, case.target_id) or failure


async def _attempt(
    call: Coroutine[Any, Any, None], guild: discord.Guild, action: str, target_id: int
) -> str | None:
    try:
        await call
    except discord.DiscordServerError:
        raise
    except discord.HTTPException as error:
        return None if error.code in _GONE else _code_of(error, guild, action, target_id)
    return None


async def _act(client: BotClient, case: Case, reason: str) -> None:
    http, guild_id, target_id = client.http, case.guild_id, case.target_id
    match case.action:
        case "timeout":
            until = timeout_ends(case)
            if until > utc_now():
                await http.edit_member(
                    guild_id, target_id, communication_disabled_until=until.isoformat(), reason=reason
                )
        case "kick":
            await http.kick(target_id, guild_id, reason=reason)
        case "ban":
            seconds = _BAN_DELETES_SECONDS if case.source == "automod" else 0
            await http.ban(target_id, guild_id, delete_message_seconds=seconds, reason=reason)
        case "unban":
            await http.unban(target_id, guild_id, reason=reason)
        case _:
            """A note or a warning is the case itself."""


def timeout_ends(case: Case) -> datetime:
    """Counted from the case's opening, so that carrying it out later does not make it longer."""
    return case.created_at + min(timedelta(seconds=case.duration_seconds or 0), _MAX_TIMEOUT)


def cannot_act(guild: discord.Guild, action: str, target_id: int, role_ids: frozenset[int]) -> str | None:
    """The code of why the bot cannot do `action` to this member, None when it can; asks nobody.

    `role_ids` are the member's roles; they may have changed, in which case Discord's own refusal tells.
    """
    me = guild.me
    if target_id in {me.id, guild.owner_id}:
        return "cases.target_is_bot" if target_id == me.id else "cases.target_is_owner"
    needed = REQUIRED.get(action)
    if needed is not None and not getattr(me.guild_permissions, needed):
        return f"cases.missing_{needed}"
    if action in _RANKED and stands_above(guild, role_ids, me.top_role):
        return "cases.target_above_bot"
    if action == "timeout" and _is_administrator(guild, role_ids):
        return "cases.target_is_administrator"
    return None


def _is_administrator(guild: discord.Guild, role_ids: frozenset[int]) -> bool:
    roles = (guild.get_role(role_id) for role_id in role_ids)
    return any(role.permissions.administrator for role in roles if role is not None)


def stands_above(guild: discord.Guild, role_ids: frozenset[int], limit: discord.Role) -> bool:
    """Whether the highest of the roles is `limit` or above it: Discord then refuses to act."""
    return any(role >= limit for role_id in role_ids if (role := guild.get_role(role_id)) is not None)


def _code_of(error: discord.HTTPException, guild: discord.Guild, action: str, target_id: int) -> str:
    if error.status != 403:  # noqa: PLR2004
        return "cases.refused"
    needed = REQUIRED.get(action)
    if needed is not None and not getattr(guild.me.guild_permissions, needed):
        return f"cases.missing_{needed}"
    if action not in _RANKED:
        return "cases.refused"
    return "cases.target_is_owner" if target_id == guild.owner_id else "cases.target_above_bot"
