"""Direct messages to members about their cases. A member who cannot be reached is no error."""

import time
from collections import OrderedDict
from typing import Final
from uuid import UUID

import discord

from astero_bot_engine.dispatch.guard import Done, Failed, Guard
from astero_bot_engine.features.cases.views import notice_text
from astero_bot_engine.gateway.client import BotClient
from astero_shared.features.cases.config import CasesConfig
from astero_shared.features.cases.rules import NOTIFIED_ACTIONS
from astero_shared.features.cases.tables import Case
from astero_shared.i18n import Locale
from astero_shared.ids import nonce_of

# One who floods is told once: Discord treats a bot that writes many direct messages as a spammer.
_QUIET_SECONDS: Final = 10.0
# A member who takes no messages is not asked again for this long: each refusal counts against all bots.
_BELIEVE_REFUSAL: Final = 3600.0
_REMEMBERED: Final = 10_000


class Notices:
    """One for all bots."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._refused: OrderedDict[tuple[UUID, int], float] = OrderedDict()
        self._told: OrderedDict[tuple[UUID, int, str], float] = OrderedDict()

    async def tell(
        self, client: BotClient, guild: discord.Guild, case: Case, config: CasesConfig, locale: Locale
    ) -> bool | None:
        """True when the member got the message, False when not, None when none was due."""
        if (
            not config.notify_member
            or case.action not in NOTIFIED_ACTIONS
            or self._told_just_now(client, case)
        ):
            return None
        name = case.moderator_name if config.name_moderator and case.source != "automod" else None
        body = notice_text(case, guild.name, locale, moderator=name)
        refused = self._refused.get((client.bot_id, case.target_id))
        if refused is not None and time.monotonic() - refused < _BELIEVE_REFUSAL:
            return False
        try:
            outcome = await self._guard.call(client, lambda: _write(client, case, body))
        except (discord.DiscordServerError, OSError):
            return False
        if isinstance(outcome, Failed):
            self._refused[client.bot_id, case.target_id] = time.monotonic()
            if len(self._refused) > _REMEMBERED:
                self._refused.popitem(last=False)
        return isinstance(outcome, Done)

    def _told_just_now(self, client: BotClient, case: Case) -> bool:
        if case.source != "automod":
            return False
        key = (client.bot_id, case.target_id, f"{case.guild_id}:{case.rule}")
        now = time.monotonic()
        before = self._told.get(key)
        self._told[key] = now
        self._told.move_to_end(key)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return before is not None and now - before < _QUIET_SECONDS


async def _write(client: BotClient, case: Case, body: str) -> None:
    channel = await client.http.start_private_message(case.target_id)
    nonce = nonce_of("case", case.id)
    await client.get_partial_messageable(int(channel["id"])).send(
        body, nonce=nonce, allowed_mentions=discord.AllowedMentions.none()
    )
