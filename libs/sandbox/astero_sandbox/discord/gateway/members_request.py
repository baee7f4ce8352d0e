"""REQUEST_GUILD_MEMBERS: the answer comes as chunks of a thousand."""

from typing import Any, Final

from astero_sandbox.discord.models import Guild, Member
from astero_sandbox.discord.payloads.people import member as member_payload
from astero_sandbox.discord.sandbox import Sandbox

from . import protocol
from .session import Session

_CHUNK: Final = 1000
_QUERY_MAX: Final = 100


def answer(sandbox: Sandbox, session: Session, data: dict[str, Any]) -> None:
    """All members need the members intent; a query or a list of ids does not."""
    guild = sandbox.world.guilds.get(_id(data.get("guild_id")))
    if guild is None or session.application_id not in guild.members:
        return
    found, missing = _matching(sandbox, guild, data)
    if found is None or (_wants_all(data) and not session.intents & protocol.GUILD_MEMBERS):
        return
    chunks = [found[i : i + _CHUNK] for i in range(0, len(found), _CHUNK)] or [[]]
    for index, chunk in enumerate(chunks):
        body: dict[str, Any] = {
            "guild_id": str(guild.id),
            "members": [member_payload(item, sandbox.world.users[item.user_id]) for item in chunk],
            "chunk_index": index,
            "chunk_count": len(chunks),
        }
        if missing:
            body["not_found"] = missing
        if nonce := data.get("nonce"):
            body["nonce"] = nonce
        session.dispatch_data("GUILD_MEMBERS_CHUNK", body)


def _wants_all(data: dict[str, Any]) -> bool:
    return data.get("query") == "" and not data.get("limit") and "user_ids" not in data


def _matching(sandbox: Sandbox, guild: Guild, data: dict[str, Any]) -> tuple[list[Member] | None, list[str]]:
    if (ids := data.get("user_ids")) is not None:
        wanted = [_id(item) for item in (ids if isinstance(ids, list) else [ids])]
        found = [guild.members[item] for item in wanted if item in guild.members]
        return found, [str(item) for item in wanted if item not in guild.members]
    query = data.get("query")
    if not isinstance(query, str):
        return None, []
    limit = int(data.get("limit") or 0)
    if not query and not limit:
        return list(guild.members.values()), []
    found = [
        item
        for item in guild.members.values()
        if sandbox.world.users[item.user_id].username.lower().startswith(query.lower())
    ]
    return found[: min(limit or _QUERY_MAX, _QUERY_MAX)], []


def _id(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else 0
