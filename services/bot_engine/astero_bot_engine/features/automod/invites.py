"""Where an invite leads, asked of Discord once: an invite to this server is no advertisement."""

import time
from collections import OrderedDict
from typing import Final

import discord

from astero_bot_engine.gateway.client import BotClient

_KEEP_SECONDS: Final = 3600.0
_KEPT: Final = 5_000
# One message cannot make the bot ask for dozens of codes.
_MAX_ASKED: Final = 5


class InviteDirectory:
    """One for all bots: an invite leads to the same server whoever asks."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, int | None]] = OrderedDict()

    async def lead_here(self, client: BotClient, guild_id: int, codes: tuple[str, ...]) -> frozenset[str]:
        """Those of `codes` that lead to this server; one that cannot be judged does not."""
        if len(codes) > _MAX_ASKED:
            return frozenset()
        return frozenset([code for code in codes if await self._find_guild(client, code) == guild_id])

    async def _find_guild(self, client: BotClient, code: str) -> int | None:
        known = self._known.get(code)
        if known is not None and time.monotonic() - known[0] < _KEEP_SECONDS:
            return known[1]
        try:
            invite = await client.http.get_invite(code, with_counts=False)
        except discord.NotFound:
            guild_id = None
        except (discord.HTTPException, discord.ClientException, OSError):
            return None
        else:
            guild = invite.get("guild")
            guild_id = None if guild is None else int(guild["id"])
        self._known[code] = (time.monotonic(), guild_id)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return guild_id
