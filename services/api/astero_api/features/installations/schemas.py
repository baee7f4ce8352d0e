"""Servers a bot is in, or was in."""

from datetime import datetime

import msgspec

from astero_shared.features.installations.rules import purge_at
from astero_shared.features.installations.tables import Installation


class GuildOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`present` is false while a restored server waits for its bot: `inviteUrl` adds it again.

    A removed server can be restored until `restorableUntil`.
    """

    guild_id: str
    name: str
    icon_url: str | None
    member_count: int | None
    state: str
    present: bool
    joined_at: datetime
    removed_at: datetime | None
    restorable_until: datetime | None
    invite_url: str | None

    @classmethod
    def of(cls, row: Installation, *, invite_url: str | None) -> "GuildOut":
        return cls(
            guild_id=str(row.guild_id),
            name=row.guild_name,
            icon_url=_icon_url(row),
            member_count=row.member_count,
            state="active" if row.removed_at is None else "removed",
            present=row.present and row.removed_at is None,
            joined_at=row.joined_at,
            removed_at=row.removed_at,
            restorable_until=None if row.removed_at is None else purge_at(row.removed_at),
            invite_url=invite_url,
        )


class GuildPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    items: tuple[GuildOut, ...]
    next_cursor: str | None


def _icon_url(row: Installation) -> str | None:
    if row.guild_icon is None:
        return None
    return f"https://cdn.discordapp.com/icons/{row.guild_id}/{row.guild_icon}.png"
