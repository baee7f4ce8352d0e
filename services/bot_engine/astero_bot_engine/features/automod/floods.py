"""One who floods is timed out, kicked or banned once: what they wrote before that was done is only deleted.

The message's own time decides and not ours, so a backlog that is read late, or by the engine that follows
one that died, acts on nobody twice.
"""

import math
from collections import OrderedDict
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_shared.clock import utc_now
from astero_shared.db.session import reading
from astero_shared.features.automod.config import RuleAction
from astero_shared.features.cases.outstanding import find_last_removal
from astero_shared.scope import GuildScope

ENDS_A_FLOOD: Final = frozenset({RuleAction.TIMEOUT, RuleAction.KICK, RuleAction.BAN})
_REMEMBERED: Final = 10_000
_UNDER_WAY: Final = math.inf

_Member = tuple[UUID, int, int]


class Floods:
    """One for all bots."""

    def __init__(self, db: AsyncEngine) -> None:
        self._db = db
        # Until when (POSIX time) what a member wrote is covered by the action against them.
        self._covered: OrderedDict[_Member, float] = OrderedDict()

    async def claim(self, scope: GuildScope, member_id: int, written_at: datetime) -> bool:
        """Whether this message may bring an action about; the caller then does it and calls `over`."""
        member = (scope.bot_id, scope.guild_id, member_id)
        known = self._covered.get(member)
        if known is not None and written_at.timestamp() <= known:
            return False
        # Taken before anything is awaited: the next message of a flood is judged meanwhile.
        self._remember(member, _UNDER_WAY)
        if known is None:
            acted_at = await self._find_last(scope, member_id)
            if acted_at is not None and written_at <= acted_at:
                self._remember(member, acted_at.timestamp())
                return False
        return True

    def over(self, scope: GuildScope, member_id: int) -> None:
        """The action is done; what the member writes from now on counts again."""
        self._remember((scope.bot_id, scope.guild_id, member_id), utc_now().timestamp())

    async def _find_last(self, scope: GuildScope, member_id: int) -> datetime | None:
        try:
            async with reading(self._db) as session:
                actions = sorted(action.value for action in ENDS_A_FLOOD)
                return await find_last_removal(
                    session, scope, target_id=member_id, actions=actions, now=utc_now()
                )
        except (SQLAlchemyError, OSError):
            # The case cannot be written either; by the time it can, acting once more is the lesser evil.
            return None

    def _remember(self, member: _Member, until: float) -> None:
        self._covered[member] = until
        self._covered.move_to_end(member)
        if len(self._covered) > _REMEMBERED:
            self._covered.popitem(last=False)
