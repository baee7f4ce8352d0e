"""Who asks, and for what: the first argument of every store function of tenant data.

A scope is made in one place, where the right was checked; a store function trusts it and filters by it.
"""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

ActorKind = Literal["user", "member", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A dashboard user (`id` is our UUID), a Discord member (`id` is a snowflake) or Astero itself."""

    kind: ActorKind
    id: str
    name: str | None = None


SYSTEM = Actor(kind="system", id="astero", name="Astero")


@dataclass(frozen=True, slots=True)
class BotScope:
    """One bot, and who acts on it."""

    actor: Actor
    bot_id: UUID


@dataclass(frozen=True, slots=True)
class GuildScope:
    """One bot in one Discord server, and who acts there."""

    actor: Actor
    bot_id: UUID
    guild_id: int
