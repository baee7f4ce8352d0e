"""A gateway session that outlives its process: what Discord needs to resume it, and what we need to go on.

Another engine that is given a SavedSession resumes with no identify and no lost event; Discord keeps
a session for a few minutes after its connection is gone.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from astero_bot_engine.gateway.guild_snapshot import GuildSnapshot, unpack

CHANGES_A_GUILD: Final = frozenset(
    {
        "GUILD_UPDATE",
        "CHANNEL_CREATE",
        "CHANNEL_UPDATE",
        "CHANNEL_DELETE",
        "THREAD_CREATE",
        "THREAD_UPDATE",
        "THREAD_DELETE",
        "GUILD_ROLE_CREATE",
        "GUILD_ROLE_UPDATE",
        "GUILD_ROLE_DELETE",
    }
)
# READY is the first event of every session.
_READY: Final = 1


@dataclass(frozen=True, slots=True)
class SavedSession:
    """`guilds` maps guild id to zlib-compressed JSON; in an export it holds only what changed since the last.

    `gone` are the guilds that left since the last export.
    """

    session_id: str = field(repr=False)
    resume_url: str
    sequence: int
    intents: int
    guilds: dict[int, bytes] = field(default_factory=dict[int, bytes])
    gone: frozenset[int] = frozenset()


class _OwnerKey(msgspec.Struct):
    guild_id: str | None = None
    id: str | None = None


class SessionRecord:
    """The running session of one bot. Not resumable before READY and after it was invalidated."""

    __slots__ = (
        "_gone",
        "_saved_sequence",
        "_snapshots",
        "intents",
        "resume_url",
        "sequence",
        "session_id",
    )

    def __init__(self, saved: SavedSession | None = None) -> None:
        self.session_id: str | None = None
        self.resume_url: str | None = None
        self.sequence = 0
        self.intents = 0
        self._saved_sequence = -1
        self._snapshots: dict[int, GuildSnapshot] = {}
        self._gone: set[int] = set()
        if saved is not None:
            self.session_id = saved.session_id
            self.resume_url = saved.resume_url
            self.sequence = self._saved_sequence = saved.sequence
            self.intents = saved.intents
            self._snapshots = {key: GuildSnapshot(packed) for key, packed in saved.guilds.items()}

    @property
    def resumable(self) -> bool:
        return self.session_id is not None and self.resume_url is not None

    @property
    def dirty(self) -> bool:
        return self.resumable and self.sequence != self._saved_sequence

    def begin(self, *, session_id: str, resume_url: str, intents: int) -> None:
        """READY: a new session with no guild known yet."""
        self.session_id = session_id
        self.resume_url = resume_url
        self.intents = intents
        self._saved_sequence = -1
        self._gone.update(self._snapshots)
        self._snapshots.clear()

    def invalidate(self) -> None:
        """Discord will not resume it. The guilds stay until READY describes them anew."""
        self.session_id = self.resume_url = None
        self.sequence = 0

    def note(self, event: str, payload: msgspec.Raw) -> None:
        """Keep what `event` (one of CHANGES_A_GUILD) says of its guild."""
        key = msgspec.json.decode(payload, type=_OwnerKey)
        guild_id = key.id if event == "GUILD_UPDATE" else key.guild_id
        snapshot = self._snapshots.get(int(guild_id)) if guild_id is not None else None
        if snapshot is not None:
            snapshot.change(event, bytes(payload))

    def note_own_member(self, guild_id: int, payload: msgspec.Raw) -> None:
        if (snapshot := self._snapshots.get(guild_id)) is not None:
            snapshot.change("GUILD_MEMBER_UPDATE", bytes(payload))

    def add_guild(self, guild: dict[str, Any], *, own_id: str) -> None:
        guild_id = int(guild["id"])
        self._snapshots[guild_id] = GuildSnapshot.of(guild, own_id=own_id)
        self._gone.discard(guild_id)

    def drop_guild(self, guild_id: int) -> None:
        if self._snapshots.pop(guild_id, None) is not None:
            self._gone.add(guild_id)

    def guilds(self) -> list[dict[str, Any]]:
        """Every known guild in GUILD_CREATE's shape."""
        return [unpack(snapshot.packed()) for snapshot in self._snapshots.values()]

    def export(self, *, everything: bool = False, before: int | None = None) -> SavedSession | None:
        """What to save now, or None when there is no session. `everything` repeats unchanged guilds.

        With `before` the events from that sequence on count as not received. A session of which not even
        READY counts is none: replayed later, READY would pass off the guilds of then as those of now.

        The caller owns what it was given: a failed save is repeated with `everything=True`.
        """
        if self.session_id is None or self.resume_url is None or (before is not None and before <= _READY):
            return None
        changed = {
            key: snapshot.packed()
            for key, snapshot in self._snapshots.items()
            if snapshot.dirty or everything
        }
        for key in changed:
            self._snapshots[key].dirty = False
        gone, self._gone = frozenset(self._gone), set()
        sequence = self.sequence if before is None else min(self.sequence, before - 1)
        self._saved_sequence = sequence
        return SavedSession(
            session_id=self.session_id,
            resume_url=self.resume_url,
            sequence=sequence,
            intents=self.intents,
            guilds=changed,
            gone=gone,
        )
