"""The member's language: command names, descriptions and choices, and every answer."""

from typing import Any

import discord
from discord import app_commands

from astero_shared.i18n import Locale, nearest_locale, text


def locale_of(interaction: discord.Interaction[Any]) -> Locale:
    """The language of the one who uses the command, not the server's."""
    return nearest_locale(interaction.locale.value)


def said(key: str) -> app_commands.locale_str:
    """A text of a command's definition, by its key in the catalogue."""
    return app_commands.locale_str(text(key, "en"), key=key)


def command_name(locale: Locale, *path: str) -> str:
    """A command as the member sees it in their own client: `/automod addword`, `/automod ajouter-mot`."""
    keys = (".".join(path[: depth + 1]) for depth in range(len(path)))
    return "`/" + " ".join(text(f"commands.{key}.name", locale) for key in keys) + "`"


class CatalogueTranslator(app_commands.Translator):
    """English is what the definitions say themselves, so only other languages are looked up."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,  # noqa: ARG002 - the library's signature
    ) -> str | None:
        if locale is not discord.Locale.french:
            return None
        key = string.extras.get("key")
        return None if key is None else text(key, "fr")
