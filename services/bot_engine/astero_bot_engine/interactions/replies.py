"""Answers to interactions: for the asker's eyes only, pinging nobody, before or after a deferral alike."""

from typing import Any

import discord
from discord import ui

NOBODY = discord.AllowedMentions.none()


async def defer(interaction: discord.Interaction[Any]) -> None:
    """First thing in every command that reads or writes anything: Discord waits three seconds."""
    await interaction.response.defer(ephemeral=True, thinking=True)


async def reply(
    interaction: discord.Interaction[Any],
    content: str | None = None,
    *,
    embed: discord.Embed | None = None,
    view: ui.View | None = None,
) -> None:
    """The one answer to a command; replaces the "thinking" of a deferred one."""
    embeds = [] if embed is None else [embed]
    if interaction.response.is_done():
        await interaction.edit_original_response(
            content=content, embeds=embeds, view=view, allowed_mentions=NOBODY
        )
    elif view is None:
        await interaction.response.send_message(
            content, embeds=embeds, ephemeral=True, allowed_mentions=NOBODY
        )
    else:
        await interaction.response.send_message(
            content, embeds=embeds, view=view, ephemeral=True, allowed_mentions=NOBODY
        )


def static_view(*items: ui.Item[ui.View]) -> ui.View:
    """Buttons and selects that outlive this process: their custom_id says everything.

    A view that is finished is not kept in memory by discord.py, where each message would hold one for good.
    """
    view = ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()
    return view
