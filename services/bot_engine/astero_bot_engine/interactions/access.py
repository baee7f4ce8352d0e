"""Whether the asker may do it, checked when it is done: what a server hides in its client is no check."""

from dataclasses import dataclass
from typing import Any

import discord

from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.interactions.language import locale_of
from astero_shared.errors import ForbiddenError, InvalidError
from astero_shared.i18n import Locale, text
from astero_shared.scope import Actor, GuildScope


@dataclass(frozen=True, slots=True)
class Asker:
    """A member of a server who may do what is asked, and everything one needs to do it."""

    client: BotClient
    guild: discord.Guild
    member: discord.Member
    scope: GuildScope
    locale: Locale


def require(interaction: discord.Interaction[Any], permission: str) -> Asker:
    """`permission` as discord.Permissions names it, in this channel. ForbiddenError says which one lacks."""
    locale = locale_of(interaction)
    client, guild, member = interaction.client, interaction.guild, interaction.user
    if guild is None or not isinstance(member, discord.Member) or not isinstance(client, BotClient):
        raise InvalidError(code="interactions.only_in_servers")
    held = interaction.permissions
    if not (held.administrator or getattr(held, permission)):
        name = text(f"permissions.{permission}", locale)
        raise ForbiddenError(sentence="interactions.missing_permission", params={"permission": name})
    actor = Actor("member", str(member.id), member.name)
    return Asker(client, guild, member, GuildScope(actor, client.bot_id, guild.id), locale)
