"""The guild itself and its audit log."""

from typing import Any

from astero_sandbox.discord import permissions
from astero_sandbox.discord.actions import audit
from astero_sandbox.discord.payloads import guilds as wire
from astero_sandbox.discord.payloads.people import user as user_payload

from .access import guild_access
from .forms import FormCheck
from .routing import Call, route, snowflake

_PAGE_MAX = 100


@route("GET", "/guilds/{guild_id}", limit=(5, 5.0))
async def get_guild(call: Call) -> Any:
    guild = guild_access(call).guild
    body = wire.guild(guild)
    if call.query.get("with_counts") in ("true", "True", "1"):
        body["approximate_member_count"] = len(guild.members)
        body["approximate_presence_count"] = len(guild.members)
    return body


@route("GET", "/guilds/{guild_id}/audit-logs", limit=(5, 5.0))
async def get_audit_log(call: Call) -> Any:
    """Newest first; `user_id`, `action_type`, `before`, `after`, `limit` 1 to 100."""
    access = guild_access(call)
    access.require(permissions.VIEW_AUDIT_LOG)
    limit = _page_size(call)
    entries = list(reversed(access.guild.audit))
    if "user_id" in call.query:
        user_id = snowflake("user_id", call.query["user_id"])
        entries = [item for item in entries if item.user_id == user_id]
    if "action_type" in call.query:
        kind = call.query["action_type"]
        entries = [item for item in entries if str(item.action_type) == kind]
    if "before" in call.query:
        entries = [item for item in entries if item.id < snowflake("before", call.query["before"])]
    if "after" in call.query:
        after = snowflake("after", call.query["after"])
        # With `after` the page counts up from there.
        entries = [item for item in reversed(entries) if item.id > after]
    entries = entries[:limit]
    world = call.sandbox.world
    people = {item.user_id for item in entries} | {item.target_id for item in entries}
    return {
        "audit_log_entries": [audit.payload(item) for item in entries],
        "users": [user_payload(world.users[item]) for item in people if item in world.users],
        "integrations": [],
        "webhooks": [],
        "guild_scheduled_events": [],
        "threads": [],
        "application_commands": [],
        "auto_moderation_rules": [],
    }


def _page_size(call: Call) -> int:
    text = call.query.get("limit", "50")
    check = FormCheck()
    check.number("limit", int(text) if text.isdigit() else text, minimum=1, maximum=_PAGE_MAX)
    check.done()
    return int(text)
