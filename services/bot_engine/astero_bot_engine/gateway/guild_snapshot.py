"""What a later process must know of one guild to resume its session, as compressed JSON.

Kept: guild, roles, channels, threads and the bot's own member. Never kept: other members, presences,
messages. Changes are appended and folded in only when the snapshot is exported.
"""

import zlib
from typing import Any, Final

import msgspec

_KEPT: Final = (
    "id", "name", "icon", "owner_id", "features", "roles", "channels", "threads", "member_count",
    "joined_at", "large", "unavailable", "preferred_locale", "system_channel_id", "rules_channel_id",
    "public_updates_channel_id", "verification_level", "nsfw_level", "mfa_level", "premium_tier",
    "explicit_content_filter", "default_message_notifications",
)  # fmt: skip
# A change costs an append; a channel flood is folded in this often so that it cannot grow without end.
_FOLD_AT: Final = 64
_LISTS: Final = {
    "CHANNEL_CREATE": "channels",
    "CHANNEL_UPDATE": "channels",
    "CHANNEL_DELETE": "channels",
    "THREAD_CREATE": "threads",
    "THREAD_UPDATE": "threads",
    "THREAD_DELETE": "threads",
}

Json = dict[str, Any]


def compact(guild: Json, *, own_id: str) -> Json:
    """GUILD_CREATE reduced to what is kept; `members` holds the bot itself and nobody else."""
    kept = {key: guild[key] for key in _KEPT if key in guild}
    kept["members"] = [member for member in guild.get("members", ()) if member["user"]["id"] == own_id]
    return kept


class GuildSnapshot:
    """`dirty` is true until the next export has been taken."""

    __slots__ = ("_changes", "_packed", "dirty")

    def __init__(self, packed: bytes, *, dirty: bool = False) -> None:
        self._packed = packed
        self._changes: list[tuple[str, bytes]] = []
        self.dirty = dirty

    @classmethod
    def of(cls, guild: Json, *, own_id: str) -> "GuildSnapshot":
        return cls(_pack(compact(guild, own_id=own_id)), dirty=True)

    def change(self, event: str, payload: bytes) -> None:
        self._changes.append((event, payload))
        self.dirty = True
        if len(self._changes) >= _FOLD_AT:
            self._fold()

    def packed(self) -> bytes:
        """zlib-compressed JSON, changes included."""
        if self._changes:
            self._fold()
        return self._packed

    def payload(self) -> Json:
        """The guild as GUILD_CREATE would describe it."""
        return unpack(self.packed())

    def _fold(self) -> None:
        guild = unpack(self._packed)
        for event, payload in self._changes:
            _apply(guild, event, msgspec.json.decode(payload))
        self._changes.clear()
        self._packed = _pack(guild)


def _pack(guild: Json) -> bytes:
    # A small window: deflate's default state of 256 KiB is more than the guild itself; see allocator.
    deflate = zlib.compressobj(level=1, wbits=13, memLevel=6)
    return deflate.compress(msgspec.json.encode(guild)) + deflate.flush()


def unpack(packed: bytes) -> Json:
    return msgspec.json.decode(zlib.decompress(packed))


def _apply(guild: Json, event: str, data: Json) -> None:
    match event:
        case "GUILD_UPDATE":
            guild.update({key: data[key] for key in _KEPT if key in data})
        case "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE":
            _put(guild, _LISTS[event], data)
        case "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE":
            _put(guild, "roles", data["role"])
        case "CHANNEL_DELETE" | "THREAD_DELETE":
            _drop(guild, _LISTS[event], data["id"])
        case "GUILD_ROLE_DELETE":
            _drop(guild, "roles", data["role_id"])
        case _:  # GUILD_MEMBER_UPDATE, of the bot itself: no other member is kept
            for member in guild["members"]:
                member.update(data)


def _put(guild: Json, key: str, item: Json) -> None:
    _drop(guild, key, item["id"])
    guild[key].append(item)


def _drop(guild: Json, key: str, item_id: str) -> None:
    guild[key] = [item for item in guild.get(key, ()) if item["id"] != item_id]
