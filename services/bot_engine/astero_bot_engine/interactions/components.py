"""Buttons, selects and modals, found by the first word of their custom_id: no view is kept in memory, so
they work after a restart and on whichever engine holds the bot.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from astero_bot_engine.interactions.failures import tell
from astero_bot_engine.interactions.language import locale_of
from astero_bot_engine.interactions.replies import reply
from astero_shared.i18n import text

Handler = Callable[[discord.Interaction[Any], tuple[str, ...]], Awaitable[None]]
"""Gets the words of the custom_id after the first: `settings:field:automod` gives ("field", "automod")."""


class ComponentRouter:
    """One for all bots."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def add(self, word: str, handler: Handler) -> None:
        if word in self._handlers:
            raise ValueError(f"{word} is routed already")
        self._handlers[word] = handler

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """For discord.py's `on_interaction` event; commands are the command tree's."""
        if interaction.type not in {
            discord.InteractionType.component,
            discord.InteractionType.modal_submit,
        }:
            return
        data: Any = interaction.data or {}
        word, *rest = str(data.get("custom_id", "")).split(":")
        handler = self._handlers.get(word)
        try:
            if handler is None:
                await reply(interaction, text("errors.interactions.outdated", locale_of(interaction)))
            else:
                await handler(interaction, tuple(rest))
        except Exception as error:  # noqa: BLE001 - every failure is told to the asker, the rest is logged
            await tell(interaction, error)
