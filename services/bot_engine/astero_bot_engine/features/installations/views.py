"""The offer to bring a returned bot's settings back: a message with one button, and what the button does."""

from datetime import datetime
from typing import Any, Final

import discord
from discord import ui
from loguru import logger

from astero_bot_engine.features.installations.service import InstallationKeeper
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.interactions.access import require
from astero_bot_engine.interactions.durations import timestamp
from astero_bot_engine.interactions.replies import NOBODY, static_view
from astero_shared.errors import GoneError, NotFoundError
from astero_shared.features.installations.rules import purge_at
from astero_shared.features.installations.store import Join
from astero_shared.i18n import Locale, nearest_locale, text
from astero_shared.ids import nonce_of

WORD: Final = "restore"


async def offer_restore(client: BotClient, join: Join) -> None:
    """Post the offer where people will see it; with no channel to write in, the dashboard still offers."""
    removed = join.restorable
    guild = client.get_guild(join.installation.guild_id)
    if removed is None or removed.removed_at is None or guild is None:
        return
    locale = nearest_locale(guild.preferred_locale.value)
    embed, view = offer_message(locale, until=purge_at(removed.removed_at))
    nonce = nonce_of("back", join.installation.id)
    for channel in _places(guild):
        try:
            await channel.send(embed=embed, view=view, nonce=nonce)
        except (discord.Forbidden, discord.NotFound):
            continue
        except (discord.HTTPException, discord.ClientException, OSError) as error:
            logger.warning("restore not offered", bot=str(client.bot_id), error=type(error).__name__)
        return


def offer_message(locale: Locale, *, until: datetime) -> tuple[discord.Embed, ui.View]:
    embed = discord.Embed(
        title=text("installations.offer_title", locale),
        description=text("installations.offer", locale, until=timestamp(until)),
        colour=0x5865F2,
    )
    button = ui.Button[ui.View](
        label=text("installations.offer_button", locale),
        style=discord.ButtonStyle.primary,
        custom_id=WORD,
    )
    return embed, static_view(button)


class RestoreButton:
    def __init__(self, keeper: InstallationKeeper) -> None:
        self._keeper = keeper

    async def press(self, interaction: discord.Interaction[Any], _words: tuple[str, ...]) -> None:
        """Only for those who may manage the server. Past the deadline the message says so and stays so."""
        asker = require(interaction, "manage_guild")
        await interaction.response.defer()
        locale = nearest_locale(asker.guild.preferred_locale.value)
        try:
            await self._keeper.restore(asker.scope)
        except GoneError:
            await _replace(interaction, text("errors.installations.restore_expired", locale))
            return
        except NotFoundError:
            await _replace(interaction, text("errors.installations.nothing_to_restore", locale))
            return
        await _replace(interaction, text("installations.restored_by", locale, member=f"<@{asker.member.id}>"))
        await interaction.followup.send(
            text("installations.restored", asker.locale), ephemeral=True, allowed_mentions=NOBODY
        )


async def _replace(interaction: discord.Interaction[Any], sentence: str) -> None:
    """The message loses its button: what it offered is decided."""
    embed = discord.Embed(description=sentence, colour=0x5865F2)
    await interaction.edit_original_response(embed=embed, view=None, allowed_mentions=NOBODY)


def _places(guild: discord.Guild) -> list[discord.TextChannel]:
    """The system channel, then the others from the top, where the bot may write."""
    channels = sorted(guild.text_channels, key=lambda channel: (channel.position, channel.id))
    if guild.system_channel is not None:
        channels.insert(0, guild.system_channel)
    return [channel for channel in channels if _may_write(channel)][:3]


def _may_write(channel: discord.TextChannel) -> bool:
    mine = channel.permissions_for(channel.guild.me)
    return mine.view_channel and mine.send_messages and mine.embed_links
