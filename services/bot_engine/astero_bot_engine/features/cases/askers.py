"""Whether those who opened a case in the dashboard stand above whom it is about, as Discord would ask them.

The api checks their permission; ranks are known here. A case of a branded bot's owner carries no Discord id:
the owner acts with the rank they gave the bot.
"""

from typing import Any

import discord

from astero_bot_engine.dispatch.guard import Done, Guard
from astero_bot_engine.dispatch.ranks import find_obstacle, standing_of
from astero_bot_engine.gateway.client import BotClient
from astero_shared.features.cases.rules import CaseAction
from astero_shared.features.cases.tables import Case


async def find_asker_obstacle(
    guard: Guard, client: BotClient, guild: discord.Guild, case: Case
) -> str | None:
    """The code of why the asker may not do this to the target, None when they may.

    Raises as Guard.call does: the case then stays pending.
    """
    if case.source != "api" or not case.moderator_id.isdecimal():
        return None
    asker_id = int(case.moderator_id)
    asker_roles = await _role_ids(guard, client, guild, asker_id)
    if asker_roles is None:
        return "cases.target_above_moderator"
    target_roles = await _role_ids(guard, client, guild, case.target_id)
    action = CaseAction(case.action)
    if target_roles is None and action in {CaseAction.NOTE, CaseAction.WARN}:
        target_roles = frozenset()
    return find_obstacle(
        guild,
        action,
        standing_of(guild, case.target_id, target_roles),
        standing_of(guild, asker_id, asker_roles),
    )


async def _role_ids(
    guard: Guard, client: BotClient, guild: discord.Guild, user_id: int
) -> frozenset[int] | None:
    """None for somebody who is no member."""
    outcome = await guard.call(client, lambda: client.http.get_member(guild.id, user_id), guild_id=guild.id)
    if not isinstance(outcome, Done):
        return None
    member: Any = outcome.value
    return frozenset(int(role) for role in member["roles"])
